"""The verbs of goals and work."""
