"""Disputes: a person says that a fact about them is wrong; it is not used until somebody else has decided."""
