"""What definitions about goals, processes, changes for many and the feedback network may contain."""
