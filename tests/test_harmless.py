"""What comes from data is neither a formula nor a command, in files and on terminals."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pyarrow as pa
import pytest
from python_calamine import CalamineWorkbook
from rich.table import Table

from perfml.harmless import FORMULA, cell, printable
from perfml.scoring.table_files import write_parts
from perfml.terminal.console import HarmlessConsole

NASTY = [
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\uff1dA1",
    "\x1b]0;owned\x07",
    "fine",
    "",
    None,
]


@pytest.mark.parametrize("first", FORMULA)
def test_a_cell_never_begins_like_a_formula(first: str) -> None:
    assert cell(f"{first}1") == printable(f"'{first}1")
    assert cell(f"1{first}") == printable(f"1{first}")


def test_no_control_character_is_left_but_tab_and_newline() -> None:
    everything = "".join(map(chr, range(0x2100)))
    left = {character for character in printable(everything) if not character.isprintable() and character not in "\t\n"}
    assert not [character for character in left if ord(character) < 0xA0 or character in "\u202e\u2066"]


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_a_file_for_people_computes_nothing_and_keeps_its_numbers(tmp_path: Path, ending: str) -> None:
    table = pa.table({"=tag": pa.array(NASTY), "score": pa.array([-1.5, *range(10)], pa.float64())})
    path = tmp_path / f"out.{ending}"
    write_parts([table.slice(0, 4), table.slice(4)], path)
    if ending == "csv":
        rows: list[list[object]] = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline="")))
        assert rows[1][1] == "-1.5"
    else:
        rows = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
        assert rows[1][1] == -1.5
    texts = [row[0] for row in rows]
    assert texts == [cell(text or "") for text in ["=tag", *NASTY]]
    assert not [text for text in texts if str(text)[:1] in ("=", "+", "-", "@", "\t", "\r", "\x1b")]
    if ending == "xlsx":
        assert b"<f>" not in path.read_bytes()


def test_a_terminal_is_told_nothing_by_data() -> None:
    stream = io.StringIO()
    console = HarmlessConsole(file=stream, width=60)
    table = Table(title="t\x1b]0;owned\x07")
    table.add_column("h\x1b[2J")
    table.add_row("c\x9b31m")
    console.print(table)
    console.print("p\x1b]0;owned\x07", highlight=False)
    assert not {"\x1b", "\x07", "\x9b"} & set(stream.getvalue())
