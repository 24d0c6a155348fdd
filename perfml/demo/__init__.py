"""A simulated company whose truth is known: contract tables without it, and the causes planted in them beside."""
