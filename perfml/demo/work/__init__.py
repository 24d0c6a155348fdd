"""The planted truth about work: the goal tree."""
