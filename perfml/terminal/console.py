"""The consoles of the terminal, and progress on long work."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import rich.progress
from rich.console import Console, HighlighterType, JustifyMethod, OverflowMethod
from rich.markup import escape
from rich.progress import BarColumn, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.style import Style
from rich.text import Text

from perfml.harmless import printable
from perfml.messages import Message, render
from perfml.progress import Progress

SECONDS_BETWEEN_LINES = 10.0
"""How often progress is printed where the output is not a terminal."""
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


def caution_lines(cautions: Iterable[Message]) -> None:
    """Print in both languages what to know of a version that gives lists although nobody has promoted it."""
    for caution in cautions:
        out.print(f"  [yellow]not proven[/]  {escape(render(caution, 'en'))}", highlight=False)
        out.print(f"  [yellow]尚未证实[/]  {escape(render(caution, 'zh'))}", highlight=False)


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


class ProgressLines(Progress):
    """The task at hand as a line of text, for output that goes to a file."""

    def __init__(self) -> None:
        self._began, self._step = time.monotonic(), ("starting", 0, 0)

    def __call__(self, task: str, done: int, total: int) -> None:
        """Remember the newest step."""
        self._step = (task, done, total)

    def line(self, now: float) -> str:
        """``0:01:20 learning, 1 of 3``: the time since the beginning, and the newest step. ``now``: of ``time.monotonic``."""
        task, done, total = self._step
        minutes, seconds = divmod(int(now - self._began), 60)
        steps = f", {done:,} of {total:,}" if total > 1 else ""
        return f"{minutes // 60}:{minutes % 60:02}:{seconds:02} {task}{steps}"


@contextmanager
def progress() -> Iterator[Progress]:
    """Yield progress on standard error, for :class:`perfml.Project`: a bar on a terminal, else a line every ten seconds."""
    if not sys.stderr.isatty():
        with _printed(ProgressLines(), every=SECONDS_BETWEEN_LINES) as lines:
            yield lines
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=24), TimeElapsedColumn())
    with rich.progress.Progress(*columns, console=err, transient=True) as display:
        yield ProgressBar(display)


@contextmanager
def _printed(lines: ProgressLines, *, every: float) -> Iterator[ProgressLines]:
    """Print a line every so many seconds, also while one step takes longer."""
    ended = threading.Event()

    def show() -> None:
        while not ended.wait(every):
            err.print(lines.line(time.monotonic()), markup=False, highlight=False, soft_wrap=True)

    thread = threading.Thread(target=show, name="progress", daemon=True)
    thread.start()
    try:
        yield lines
    finally:
        ended.set()
        thread.join()
