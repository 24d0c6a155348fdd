"""Alembic migrations of the store; ``versions`` holds one module for each step."""
