"""What processes owe to people: feedback, a word about a goal, rest, a review; and how much of the predicted risk it carries."""
