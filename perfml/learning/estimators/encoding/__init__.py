"""Tables of people as matrices of numbers: categories, ordered texts, and statistics of the outcome."""
