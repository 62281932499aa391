"""Every path and file format of the project."""
