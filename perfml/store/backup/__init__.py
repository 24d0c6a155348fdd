"""Backups of a home: one file, consistent while the service writes, and restored as a whole or not at all."""
