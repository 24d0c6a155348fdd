"""What is answered about one person beside the score itself."""
