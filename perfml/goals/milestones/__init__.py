"""Milestones of goals: when each will be finished, late marking told apart from late work, and slippage along dependencies."""
