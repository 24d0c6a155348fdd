"""What definitions about goals may contain."""
