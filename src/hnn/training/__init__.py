"""Training of models on observations."""
