"""The pages of managers and of everybody: the team, the one-to-one, targets, and what is held about oneself."""
