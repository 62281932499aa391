"""States to frames: shapes of the systems and anti-aliased drawing."""
