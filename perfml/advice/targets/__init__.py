"""Targets that move with the world: a ledger of goals, forecasts of how they end, and suggestions inside a policy."""
