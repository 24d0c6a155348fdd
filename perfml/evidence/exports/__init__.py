"""What a company exports, opened: files, workbooks and databases, under their own names or read by a mapping."""
