"""Reconciliation as a page: the table of gaps, and each bridge as a picture beside its figures."""
