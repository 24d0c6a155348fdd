"""Files are written whole or not at all, privately, and what a killed process left half written is removed later."""

from __future__ import annotations

import os
import time
from pathlib import Path

from perfml.files import INTERRUPTED_SECONDS, write_text


def test_what_a_killed_process_left_goes_with_a_later_file(tmp_path: Path) -> None:
    old, recent, other = (tmp_path / name for name in (".a.json.1-1.tmp", ".b.json.2-2.tmp", ".c.json"))
    for path in (old, recent, other):
        path.write_text("half")
    long_ago = time.time() - 2 * INTERRUPTED_SECONDS
    for path in (old, other):
        os.utime(path, (long_ago, long_ago))
    write_text(tmp_path / "new" / "d.json", "{}")
    assert old.exists(), "another folder"
    write_text(tmp_path / "d.json", "{}")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".b.json.2-2.tmp", ".c.json", "d.json", "new"]


def test_files_and_new_folders_are_private(tmp_path: Path) -> None:
    write_text(tmp_path / "a" / "b" / "c.json", "{}")
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.rglob("*")}
    assert modes == {"a": 0o700, "b": 0o700, "c.json": 0o600}
