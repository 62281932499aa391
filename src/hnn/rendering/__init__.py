"""States to frames: the shapes of each system, and anti-aliased drawing."""
