"""``score --incremental`` gives the same files as ``score``: rows, and the record of what they were made from."""

from __future__ import annotations

import datetime as dt
import shutil
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from perfml import Project, cli
from perfml.api.scores import NIGHTLY
from perfml.errors import PerfmlError
from perfml.evidence.nightly.state import state_folder
from perfml.messages import Message
from perfml.scoring.run_record import read_record
from perfml.scoring.score_files import read_scores
from tests.simulated import END, Simulated

DAY = dt.timedelta(days=1)


def test_scores_of_three_nights(company_of_500: Simulated, tmp_path: Path) -> None:
    """On the second night a row of two years ago arrives, on the third a row is gone and a value is another one."""
    data = tmp_path / "data"
    shutil.copytree(company_of_500.data, data)
    log = data / "events.parquet"
    homes = [company_of_500.copy_home(tmp_path / name) for name in ("whole", "nightly")]
    whole, nightly = (Project(company_of_500.project, home=home) for home in homes)
    notices: list[list[str]] = []
    for night in range(3):
        rows = pq.read_table(log)
        if night == 1:
            rows = pa.concat_tables([rows.slice(7, 3), rows])
        elif night == 2:
            doubled = pc.if_else(
                pc.equal(rows["kind"], rows["kind"][5]), pc.multiply(rows["value"], 2.0), rows["value"]
            )
            rows = rows.set_column(rows.schema.get_field_index("value"), "value", doubled).slice(1)
        pq.write_table(rows, log, row_group_size=20_000)
        as_of, lines = END + (night - 2) * DAY, []
        (expected,) = whole.write_scores("attrition", data, as_of=as_of)
        (given,) = nightly.write_scores("attrition", data, as_of=as_of, incremental=True, on_notice=lines.append)
        assert read_scores(given).equals(read_scores(expected)), as_of
        assert read_record(given) == read_record(expected)
        people = [pq.read_table(home / "records" / f"{as_of}.parquet") for home in homes]
        assert people[0].equals(people[1]), "the rows that people may see of themselves"
        notices.append([line.code for line in lines])
    assert notices == [["night_first", "night_read"], ["night_read"], ["night_read"]]


def test_several_dates_are_refused(company_of_500: Simulated) -> None:
    with pytest.raises(PerfmlError, match="--as-of: several dates; one run scores one date"):
        company_of_500.open().write_scores("attrition", company_of_500.data, as_of=[END, END - DAY], incremental=True)


def test_a_command_that_may_succeed_later_ends_with_75(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another run has the state: a scheduler need only wait."""
    command = f"perfml score attrition --incremental --home {tmp_path} --data {tmp_path}"
    monkeypatch.setattr(sys, "argv", command.split())
    with state_folder(tmp_path / NIGHTLY), pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == cli.LATER == 75
    assert "is used by another run; wait until it has ended" in " ".join(capsys.readouterr().err.split())


def test_another_run_is_refused_while_one_uses_the_state(company_of_500: Simulated, tmp_path: Path) -> None:
    project = Project(company_of_500.project, home=company_of_500.copy_home(tmp_path / "home"))

    def again(_: Message) -> None:
        with pytest.raises(PerfmlError, match="nightly: is used by another run; wait until it has ended"):
            project.write_scores("attrition", company_of_500.data, as_of=END, incremental=True)

    project.write_scores("attrition", company_of_500.data, as_of=END, incremental=True, on_notice=again)
