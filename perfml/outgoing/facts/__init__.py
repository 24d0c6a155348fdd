"""Facts of the record for other systems, and nothing that a model said: eligibility for openings, ratings, events."""
