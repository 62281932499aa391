"""Arrays to figures; reads no file."""
