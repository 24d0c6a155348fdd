"""Rows that are in the tables and out of use: disputed facts, and metrics that no definition explains."""
