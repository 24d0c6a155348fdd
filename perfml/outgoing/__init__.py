"""Lists for other systems: versioned, signed, each delivered once, and written down in a ledger."""
