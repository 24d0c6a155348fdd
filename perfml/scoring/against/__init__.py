"""Reasons against a named reference group: how somebody differs from their own team, or from those in the same role and level."""
