"""What a person sees in the terminal: progress on long work, and tables that fit its width, one module per subject."""

from perfml.terminal.console import err, out, progress

__all__ = ["err", "out", "progress"]
