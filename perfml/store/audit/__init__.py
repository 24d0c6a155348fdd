"""The audit log: who did what and who saw whom, in a chain of rows that are only added, each bound to the one before it."""
