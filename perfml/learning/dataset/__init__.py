"""Rows to learn from: the table of evidence, labels, raters, and folds in time."""
