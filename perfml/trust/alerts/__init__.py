"""Rules that speak early: what they saw, who was told, who takes care of it, and what they would have been worth."""
