"""The way in: signing in, the first administrator, the first page, the language."""
