"""Physical systems, one file each; the file's name is the key in params.yaml."""
