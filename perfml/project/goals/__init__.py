"""What definitions about goals, processes and changes for many may contain."""
