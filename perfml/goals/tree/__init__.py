"""Which goal serves which: paths to a company goal, where they break, and who works on what."""
