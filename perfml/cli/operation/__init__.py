"""The commands of running perfml: lists for other systems, backups."""
