"""From what a company exports to clean tables: read, typed, checked, with versions in order."""
