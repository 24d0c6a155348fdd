"""The addresses of goals and processes."""
