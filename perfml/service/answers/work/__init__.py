"""Answers about goals and work."""
