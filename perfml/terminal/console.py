"""The consoles of the terminal, and progress on long work."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import rich.progress
from rich.console import Console, HighlighterType, JustifyMethod, OverflowMethod
from rich.markup import escape
from rich.progress import BarColumn, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.style import Style
from rich.text import Text

from perfml.harmless import printable
from perfml.progress import Progress

MOST_LISTED = 10
"""Rows shown of a long table."""


class HarmlessConsole(Console):
    """A console that passes on no control character: every text to be printed, and every cell, goes through it."""

    def render_str(
        self,
        text: str,
        *,
        style: str | Style = "",
        justify: JustifyMethod | None = None,
        overflow: OverflowMethod | None = None,
        emoji: bool | None = None,
        markup: bool | None = None,
        highlight: bool | None = None,
        highlighter: HighlighterType | None = None,
    ) -> Text:
        """Render ``text`` as rich does, without what a terminal would obey."""
        return super().render_str(
            printable(text),
            style=style,
            justify=justify,
            overflow=overflow,
            emoji=emoji,
            markup=markup,
            highlight=highlight,
            highlighter=highlighter,
        )


out = HarmlessConsole()
err = HarmlessConsole(stderr=True)


class ProgressBar(Progress):
    """One line of a rich display; a new task replaces the one before."""

    def __init__(self, display: rich.progress.Progress) -> None:
        self._display = display
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, task: str, done: int, total: int) -> None:
        """Move the bar of ``task`` to ``done`` of ``total``."""
        if task not in self._tasks:
            for earlier in self._tasks.values():
                self._display.update(earlier, visible=False)
            self._tasks[task] = self._display.add_task(escape(task), total=max(total, 1))
        self._display.update(self._tasks[task], completed=done, total=max(total, 1), visible=True)


@contextmanager
def progress() -> Iterator[Progress]:
    """Yield a progress bar on standard error, for :class:`perfml.Project`."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=24), TimeElapsedColumn())
    hidden = not sys.stderr.isatty()
    with rich.progress.Progress(*columns, console=err, transient=True, disable=hidden) as display:
        yield ProgressBar(display)
