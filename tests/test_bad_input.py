"""What the whole pipeline says to data on which nothing can be learnt, and what a killed run leaves behind."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perfml import DataError, ModelError, PerfmlError, Project
from perfml.learning.registry.model_store import current_version, load
from tests.simulated import END, Simulated
from tests.tables import write_tables

START = dt.date(2023, 1, 1)
PEOPLE = 80


def small_company(folder: Path, *, leave: float = 0.0, people: int = PEOPLE) -> Path:
    """``people`` who do something about every third day for two years; a share of them leaves in the second year."""
    rng = np.random.default_rng(1)
    ids = [f"e{i}" for i in range(people)]
    days = pd.to_datetime(START) + pd.to_timedelta(rng.integers(0, 730, people * 240), "D")
    events = pd.DataFrame({"employee_id": rng.choice(ids, len(days)), "happened_at": days.astype(str), "kind": "act"})
    leavers = ids[: round(leave * people)]
    exits = pd.DataFrame(
        {
            "employee_id": leavers,
            "exited_on": [str(START + dt.timedelta(days=int(d))) for d in rng.integers(300, 700, len(leavers))],
            "kind": "voluntary",
        }
    )
    employees = pd.DataFrame({"employee_id": ids, "hired_on": "2022-01-01"})
    return write_tables(folder, employees=employees, events=events, exits=exits)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "project" / "models").mkdir(parents=True)
    (tmp_path / "project" / "perfml.toml").write_text('name = "bad input"')
    quick = "[label]\nhorizons_days = [91]\n[learner]\nseeds = [1]\nmax_rounds = 50\n[backtest]\nfolds = 2\n"
    (tmp_path / "project" / "models" / "attrition.toml").write_text(quick)
    return Project(tmp_path / "project", home=tmp_path / "home")


@pytest.mark.slow
def test_nobody_ever_left(project: Project, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"0 of \d+ rows have the outcome; 20 are needed"):
        project.train("attrition", small_company(tmp_path / "data"))


@pytest.mark.slow
def test_everybody_leaves_at_once(project: Project, tmp_path: Path) -> None:
    folder = small_company(tmp_path / "data", leave=1.0)
    exits = pd.read_csv(folder / "exits.csv").assign(exited_on="2023-08-15")
    exits.to_csv(folder / "exits.csv", index=False)
    (project.folder.root / "models" / "attrition.toml").write_text(
        "[population]\neligible = 'tenure_days > 520'\n[label]\nhorizons_days = [91]\n"
    )
    with pytest.raises(ModelError, match="nearly all"):
        Project(project.folder.root, home=project.home).train("attrition", folder)


@pytest.mark.slow
def test_one_employee(project: Project, tmp_path: Path) -> None:
    folder = small_company(tmp_path / "data", people=1)
    with pytest.raises(ModelError, match="are needed"):
        project.train("attrition", folder)
    assert len(project.features(folder, as_of=["2024-01-01"])) == 1


@pytest.mark.slow
def test_no_exits_table(project: Project, tmp_path: Path) -> None:
    folder = small_company(tmp_path / "data")
    (folder / "exits.csv").unlink()
    with pytest.raises(DataError, match="the table 'exits' is missing"):
        project.train("attrition", folder)


@pytest.mark.slow
def test_a_record_too_short_to_test_anything(project: Project, tmp_path: Path) -> None:
    folder = small_company(tmp_path / "data", leave=0.5)
    with pytest.raises(ModelError, match="too short to learn from"):
        project.train("attrition", folder, until="2023-03-15")
    with pytest.raises(ModelError, match="no label has matured"):
        project.train("attrition", folder, until="2023-06-15")


@pytest.mark.slow
def test_a_date_before_anyone_was_hired(project: Project, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nobody was employed"):
        project.features(small_company(tmp_path / "data"), as_of=["2021-06-01"])


@pytest.mark.slow
def test_eligibility_that_names_no_evidence(project: Project, tmp_path: Path) -> None:
    path = project.folder.root / "models" / "attrition.toml"
    path.write_text("[population]\neligible = 'tenure_dayz > 3'\n")
    with pytest.raises(
        PerfmlError, match=r"attrition.toml \[population.eligible\]: no evidence is called 'tenure_dayz'"
    ):
        Project(project.folder.root, home=project.home).train("attrition", small_company(tmp_path / "data", leave=0.5))


@pytest.mark.slow
def test_a_model_that_does_not_beat_the_baseline_gives_no_list(project: Project, tmp_path: Path) -> None:
    folder = small_company(tmp_path / "data", leave=0.6)
    model = project.train("attrition", folder, until="2024-12-01")
    assert not model.proven(91)
    rows = project.score("attrition", folder, as_of=["2024-11-01"]).to_pylist()
    scored = [row for row in rows if row["status"] == "scored"]
    assert scored
    assert all(row["probability"] is not None and row["rank"] is None and row["band"] is None for row in scored)


def test_a_run_killed_at_any_moment_leaves_model_and_scores_whole(company_of_500: Simulated, tmp_path: Path) -> None:
    project = Project(company_of_500.project, home=tmp_path)
    trained = project.train("attrition", company_of_500.data, until="2026-04-01")
    stored = project.score("attrition", company_of_500.data, as_of=["2026-04-01"])
    command = [sys.executable, "-m", "perfml.cli"]
    where = ["--data", str(company_of_500.data), "--project", str(company_of_500.project), "--home", str(tmp_path)]
    works = (["train", "attrition", "--until", END.isoformat()], ["score", "attrition", "--as-of", "2026-04-01"])
    for arguments in works:
        for wait in (3.5,):
            running = subprocess.Popen(
                [*command, *arguments, *where], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ}
            )
            time.sleep(wait)
            running.send_signal(signal.SIGKILL)
            running.wait()
            version = current_version(tmp_path, "attrition")
            assert load(tmp_path, "attrition", version).risks
            rows = project.explain(stored.column("employee_id")[0].as_py(), model="attrition", as_of="2026-04-01")
            assert rows[0]["model_version"] in (trained.version, version)
