"""Processes that compute beside this one; what they compute does not depend on how many there are."""
