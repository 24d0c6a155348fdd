"""Training rows: the table of evidence, labels, raters, and folds in time."""
