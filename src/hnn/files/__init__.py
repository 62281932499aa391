"""Paths, file formats and artifacts of the project."""
