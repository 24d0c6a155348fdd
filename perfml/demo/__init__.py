"""A simulated company with known truth: the contract tables, and apart from them the causes planted in them."""
