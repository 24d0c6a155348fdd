"""The HTTP service: models, scores and suggestions to read, decisions to store. A request only reads precomputed rows."""
