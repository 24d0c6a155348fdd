"""Pages about goals and processes."""
