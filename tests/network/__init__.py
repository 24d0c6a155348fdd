"""The feedback network."""
