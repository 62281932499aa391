"""Learned vector fields, one file each; the file's name is the key in params.yaml and in the names of cells."""
