"""An export as it is: what its files and columns are, proposed with reasons and questions, and written as definitions."""
