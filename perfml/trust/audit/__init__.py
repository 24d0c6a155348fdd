"""The audit log for people: what was seen, whether the log is whole, signed checkpoints outside the database, erasure."""
