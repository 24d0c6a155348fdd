"""What others may read of models and scores, over HTTP. Scores are precomputed: a request only reads rows."""
