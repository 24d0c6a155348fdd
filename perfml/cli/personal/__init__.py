"""The commands about one person beside the score."""
