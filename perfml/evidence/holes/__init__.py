"""Days that are missing from the log: not delivered, silent, or after a feed has stopped. They are missing, never zero."""
