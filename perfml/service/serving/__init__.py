"""What every request passes, whatever it asks: the checks before it, the log and the record of it, and errors as answers."""
