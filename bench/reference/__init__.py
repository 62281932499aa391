"""The published way of doing each job, in plain code that does not import the project."""
