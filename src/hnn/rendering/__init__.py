"""States to frames: the shapes of each system, anti-aliased drawing, and the readings of states from frames."""
