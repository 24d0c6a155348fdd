"""Why: contributions grouped into evidence, in words."""
