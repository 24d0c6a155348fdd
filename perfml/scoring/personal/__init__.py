"""What can be said about a person beside the score: their own rows of the tables, kept with the scores of each date."""
