"""What the model would predict for somebody with other evidence: rows kept when scoring, and the question."""
