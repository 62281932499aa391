"""Networks inside the models: multilayer perceptron and autoencoder."""
