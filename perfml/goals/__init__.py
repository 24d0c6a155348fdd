"""Goals as a whole: the tree from the company's goals to people's, and contributions that add up."""
