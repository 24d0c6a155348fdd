"""``python -m perfml.cli``."""

from perfml.cli import main

if __name__ == "__main__":
    main()
