"""Holds and disputes."""
