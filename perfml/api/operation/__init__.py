"""The verbs of running perfml: lists for other systems, backups."""
