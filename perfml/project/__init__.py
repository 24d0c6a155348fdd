"""The definitions of a project: read, checked, frozen."""
