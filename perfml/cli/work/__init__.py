"""The commands of goals and work."""
