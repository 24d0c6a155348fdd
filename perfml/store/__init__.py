"""What people enter and perfml decides: one database of entries that are only added, with its migrations."""
