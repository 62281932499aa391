"""The published way of doing each job, written plainly and fairly; knows nothing of the project that it is held against."""
