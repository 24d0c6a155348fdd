"""The behaviour log: one pass over its events gives every window of every as-of date."""
