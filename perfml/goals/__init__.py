"""Goals as a whole: their tree, contributions that add up, metrics that mislead, and what processes owe."""
