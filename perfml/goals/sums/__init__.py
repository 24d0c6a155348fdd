"""Attainment and its forecast from person to team, department and company: sums, with intervals that are right for sums."""
