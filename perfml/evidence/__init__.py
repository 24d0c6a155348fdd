"""What was known, and when: from a company's tables to one row of evidence per (employee, as-of date)."""
