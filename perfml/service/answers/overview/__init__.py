"""A team, trends, adoption: what several people add up to."""
