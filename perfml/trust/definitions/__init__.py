"""What metrics mean: whether sources agree on it, who signed off which version, and what a new version does to targets."""
