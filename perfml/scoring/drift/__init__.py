"""Whether a model still fits the people it is used on: the check, and the file that keeps its figures."""
