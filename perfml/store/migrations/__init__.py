"""Alembic migrations of the store; ``versions`` holds one module for each step.

They lead upwards only, so no step has a ``downgrade``: it would lose entries. A store of a newer perfml is refused instead.
"""
