"""Holds: scores, targets and recommendations that are withheld because what they stand on is in doubt."""
