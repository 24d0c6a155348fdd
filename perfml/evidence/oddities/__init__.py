"""Faults of an export that no row shows: each is looked for in the data's own past, and reported as a question."""

from perfml.evidence.oddities.of_data import oddities

__all__ = ["oddities"]
