"""Progress where the output is a file: a line now and then, also while one step takes long."""

import threading
import time

import pytest

from perfml.terminal import console


def test_a_line_says_how_long_and_how_far() -> None:
    lines = console.ProgressLines()
    began = time.monotonic()
    lines("reading", 0, 1)
    assert lines.line(began + 61) == "0:01:01 reading"
    lines("refits 91 d", 1200, 5000)
    assert lines.line(began + 3661) == "1:01:01 refits 91 d, 1,200 of 5,000"


def test_long_work_is_not_silent_where_the_output_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = threading.Event()
    shown: list[str] = []

    def show(line: str, **_: object) -> None:
        shown.append(line)
        printed.set()

    monkeypatch.setattr(console.err, "print", show)
    monkeypatch.setattr(console, "SECONDS_BETWEEN_LINES", 0.001)
    with console.progress() as progress:
        progress("learning", 1, 3)
        while not any("learning, 1 of 3" in line for line in shown):
            assert printed.wait(timeout=60)
            printed.clear()
    assert threading.active_count() == len([t for t in threading.enumerate() if t.name != "progress"])
