"""The script of the page writes workbooks and CSV that others read, with no formula in them (with Node.js)."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

import perfml.report
from perfml.harmless import FORMULA

NODE = shutil.which("node")
SCRIPT = (Path(perfml.report.__file__).parent / "page" / "script.js").read_text(encoding="utf-8")
ROWS = [["Employee", "Name", "Risk"], ["E1", "王伟 & <b>", 0.25], ["E2", "", ""], ['say "hi"', "a\nb", -1]]
RUN = """
const vm = require("vm"), fs = require("fs"), [script, rows, folder] = JSON.parse(fs.readFileSync(0, "utf8"));
const page = {document: {querySelectorAll: () => []}, navigator: {language: "en"}, TextEncoder, Uint8Array};
vm.createContext(page);
vm.runInContext(script + ";globalThis.neutral = text;", page);
fs.writeFileSync(folder + "/out.csv", page.csv(rows));
fs.writeFileSync(folder + "/out.xlsx", Buffer.concat(page.xlsx(rows)));
console.log(JSON.stringify(["=1", "+1", "\\t1", "E1", ""].map(page.neutral)));
"""


@pytest.mark.slow
@pytest.mark.skipif(NODE is None, reason="Node.js is not installed")
def test_the_page_writes_what_spreadsheets_read(tmp_path: Path) -> None:
    script = SCRIPT.replace("{{ formula }}", json.dumps(FORMULA))
    given = json.dumps([script, ROWS, str(tmp_path)])
    done = subprocess.run([NODE or "", "-e", RUN], input=given, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == ["'=1", "'+1", "'\t1", "E1", ""]
    rows = CalamineWorkbook.from_path(tmp_path / "out.xlsx").get_sheet_by_index(0).to_python()
    assert rows == [[value if value != "" else "" for value in row] for row in ROWS]
    with io.StringIO((tmp_path / "out.csv").read_text("utf-8-sig"), newline="") as file:
        assert list(csv.reader(file)) == [[str(value) for value in row] for row in ROWS]
