"""Tables of goals and work."""
