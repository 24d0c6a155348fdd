"""A damaged file under ``home`` ends a command in one error that names it and says what to do, never in a traceback.

Each state below is a damage of one file and the commands that read it; every other command must not notice.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from starlette.testclient import TestClient

from perfml import Project, cli
from perfml.advice.suggestion_files import keep_suggestions
from perfml.advice.targets.suggestion_rows import SCHEMA
from perfml.learning.registry.artifacts import VERSION_LENGTH, current_version
from perfml.learning.registry.promotion_log import Promotion, add_promotion
from perfml.scoring.sealed_files import open_sealed, write_sealed
from perfml.scoring.table_files import read_rows
from perfml.service.app import create_app
from tests.sealed import seal_again
from tests.test_thin_companies import QUICK
from tests.thin import Thin

pytestmark = pytest.mark.slow
MODEL, PERSON, SUGGESTION = "attrition", "e050", "s1"
COMPANY = Thin(people=60, events=8, leavers=40)
DAY = str(COMPANY.until)
SCORES = f"scores/{MODEL}/{DAY}.parquet"
SUGGESTIONS = f"suggestions/target_adjustment/{DAY}.parquet"
PEOPLE = f"people/{DAY}.parquet"
PROMOTED = "promotions.json"
STORE = "store.sqlite"
DATA = ["--data", "DATA"]
COMMANDS = {
    "explain": ["explain", PERSON, "--model", MODEL],
    "explain to a manager": ["explain", PERSON, "--model", MODEL, "--voice", "manager"],
    "behind": ["explain", PERSON, "--model", MODEL, "--behind", "reviews", *DATA],
    "priorities": ["priorities", MODEL],
    "report": ["report", "--out", "OUT/report.html"],
    "decide": ["decide", SUGGESTION, "accept", "--by", "Ana Lee"],
    "intervene": ["intervene", PERSON, "--kind", "conversation", "--offered-on", DAY],
    "score": ["score", MODEL, *DATA, "--out", "OUT/scores.csv"],
    "replay": ["replay", MODEL, "--as-of", DAY, *DATA],
    "drift": ["drift", MODEL, *DATA],
    "targets": ["targets", *DATA],
    "promote": ["promote", MODEL, "--approver", "Ana Lee", "--reason", "a reason that is a sentence"],
    "track": ["track"],
    "escalations": ["escalations"],
}
READ_MODEL = {"explain to a manager", "behind", "priorities", "report", "score", "replay", "drift", "promote"}
READ_SCORES = {"explain", "explain to a manager", "behind", "priorities", "report", "replay"}


PROMOTION = Promotion(model=MODEL, version="x", approver="a", reason="b", at="c", before=None)


def version_folder(home: Path) -> Path:
    return home / "models" / MODEL / current_version(home, MODEL)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def not_utf8(path: Path) -> None:
    path.write_bytes(b"\xff\xfe\x00caf\xe9")


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def other_table(path: Path) -> None:
    pq.write_table(pa.table({"a": [1], "as_of": [dt.date(2020, 1, 1)]}), path)


def other_model(path: Path) -> None:
    table = pq.read_table(path)
    owner = "model" if "model" in table.column_names else "policy"
    at = table.column_names.index(owner)
    pq.write_table(table.set_column(at, owner, pa.array(["another"] * table.num_rows)), path)


def without_a_key(path: Path) -> None:
    seal_again(path, without="tables")


def one_bit(path: Path) -> None:
    """In the middle of the values."""
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 4
    path.write_bytes(content)


def of_another_date(path: Path) -> None:
    """A whole file, written as that of another date."""
    with open_sealed(path) as sealed:
        rows = sealed.file.read()
    write_sealed([rows], path.parent, "2020-01-01.parquet").replace(path)


def cut_in_a_row(path: Path) -> None:
    """The last row of a CSV has too few values."""
    path.write_bytes(path.read_bytes().rstrip()[:-15])


def parquet_that_is_cut(path: Path) -> None:
    frame = pa.table({"employee_id": ["e1"] * 1000})
    pq.write_table(frame, path.with_suffix(".parquet"))
    path.unlink()
    cut(path.with_suffix(".parquet"))


def text(path: Path) -> None:
    path.write_text("employee_id,probability\ne1,0.3\n", encoding="utf-8")


def broken_entry(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("update decisions set entry = '{\"verdict\": 1'")
    connection.close()


def old_keys(path: Path) -> None:
    """The version of another perfml, whole by its manifest: its columns have other keys."""
    described = json.loads(path.read_text(encoding="utf-8"))
    for column in described["columns"]:
        column["better"] = column.pop("direction")
    path.write_text(json.dumps(described), encoding="utf-8")
    manifest = json.loads((path.parent / "manifest.json").read_text())
    manifest["model.json"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (path.parent / "manifest.json").write_text(json.dumps(manifest))
    version = hashlib.sha256((path.parent / "manifest.json").read_bytes()).hexdigest()[:VERSION_LENGTH]
    home = path.parents[3]
    (path.parent.parent / "candidate").write_text(version)
    (path.parent.parent / PROMOTED).unlink()
    add_promotion(home, replace(PROMOTION, version=version))
    scores = read_rows(home / SCORES)
    at = scores.column_names.index("model_version")
    seal_again(home / SCORES, scores.set_column(at, "model_version", pa.array([version] * scores.num_rows)))
    path.parent.rename(path.parent.with_name(version))


@dataclass(frozen=True, kw_only=True)
class State:
    """A damage of one file (below ``home``; ``MODEL`` stands for the folder of the version)."""

    file: str
    damage: Callable[[Path], None]
    readers: set[str]
    """The commands that read the file."""

    def __str__(self) -> str:
        return f"{self.file.removesuffix('.parquet')} {self.damage.__name__}"


PARQUET = (cut, emptied, folder, other_table, other_model, text)
STATES = [
    *(State(file=SCORES, damage=damage, readers=READ_SCORES) for damage in PARQUET),
    *(State(file=SUGGESTIONS, damage=damage, readers={"report", "escalations"}) for damage in PARQUET),
    *(State(file=SUGGESTIONS, damage=damage, readers={"decide"}) for damage in (cut, emptied, other_table, text)),
    *(State(file=SCORES, damage=damage, readers=READ_SCORES) for damage in (one_bit, of_another_date)),
    *(
        State(file=SUGGESTIONS, damage=damage, readers={"report", "escalations"})
        for damage in (one_bit, of_another_date)
    ),
    State(file=SCORES, damage=without_a_key, readers={"replay"}),
    *(
        State(file=PEOPLE, damage=damage, readers={"report", "priorities"})
        for damage in (cut, one_bit, of_another_date)
    ),
    *(
        State(file=f"models/{MODEL}/{pointer}", damage=damage, readers={"report", "score", "drift"})
        for pointer in ("candidate", PROMOTED)
        for damage in (emptied, not_utf8, text, folder)
    ),
    *(
        State(file=f"MODEL/{file}", damage=damage, readers=READ_MODEL)
        for file in ("model.json", "manifest.json")
        for damage in (cut, emptied, not_utf8, folder)
    ),
    State(file="MODEL/within_91_days_0.txt", damage=cut, readers=READ_MODEL - {"explain to a manager", "priorities"}),
    State(file="MODEL/model.json", damage=old_keys, readers={"report", "score", "drift"}),
    *(
        State(file=STORE, damage=damage, readers={"priorities", "report", "decide", "intervene", "targets"})
        for damage in (not_utf8, text, folder)
    ),
    State(file=STORE, damage=broken_entry, readers={"targets"}),
    *(
        State(file=f"models/{MODEL}/{PROMOTED}", damage=damage, readers={"promote", "report", "score"})
        for damage in (cut, one_bit)
    ),
    State(file="mlflow/pending/x.json", damage=cut, readers={"track"}),
]


def damaged(state: State, home: Path) -> Path:
    """Damage the file of a state; return it."""
    path = version_folder(home) / Path(state.file).name if state.file.startswith("MODEL/") else home / state.file
    if path.name == "candidate":  # it is read where nobody has promoted a version
        path.with_name(PROMOTED).unlink()
    state.damage(path)
    return path


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A company, a project, and a home with a model, scores, suggestions, decisions and a run that waits."""
    base = tmp_path_factory.mktemp("base")
    (base / "project" / "models").mkdir(parents=True)
    (base / "project" / "perfml.toml").write_text('name = "base"')
    (base / "project" / "models" / f"{MODEL}.toml").write_text(QUICK + "[label]\nhorizons_days = [91]\n")
    home, data = base / "home", COMPANY.write(base / "data")
    project = Project(base / "project", home=home)
    project.train(MODEL, data)
    project.write_scores(MODEL, data, as_of=DAY)
    row = {"suggestion_id": SUGGESTION, "policy": "target_adjustment", "as_of": COMPANY.until, "employee_id": PERSON}
    suggested = pa.Table.from_pylist(
        [{**row, "goal_id": "g1", "status": "fits", "metric": "sales", "core": False, "period_end": COMPANY.until}],
        schema=SCHEMA,
    )
    keep_suggestions(suggested, home, policy="target_adjustment", as_of=COMPANY.until)
    project.decide(SUGGESTION, "accept", by="Ana Lee", key="k1")
    add_promotion(home, replace(PROMOTION, version=current_version(home, MODEL)))
    (home / "mlflow" / "pending").mkdir(parents=True)
    (home / "mlflow" / "pending" / "x.json").write_text(json.dumps({"name": "x", "version": "y", "since": "z"}))
    return base


def outcome(
    base: Path, home: Path, command: list[str], *, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> tuple[int, str]:
    """Exit code and standard error of a command; an exception that is none of perfml's own passes through."""
    places = {"DATA": str(base / "data")}
    argv = [places.get(word, word).replace("OUT/", f"{home}/") for word in command]
    where = ["--project", str(base / "project"), "--home", str(home)]
    monkeypatch.setattr("sys.argv", ["perfml", *argv, *where])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0), capsys.readouterr().err


@pytest.mark.parametrize("state", STATES, ids=str)
def test_a_damaged_file_is_named_once(
    state: State, base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in sorted(state.readers):
        home = tmp_path / name
        shutil.copytree(base / "home", home)
        path = damaged(state, home)
        code, err = outcome(base, home, COMMANDS[name], capsys=capsys, monkeypatch=monkeypatch)
        assert code == 1, (name, err)
        assert err.startswith("perfml: ") and len(err.splitlines()) == 1, (name, err)
        assert path.name in err or path.parent.name in err or "of the store" in err, (name, err)
        assert "; " in err, f"{name}: no remedy: {err}"


@pytest.mark.parametrize("state", [s for s in STATES if s.damage in (cut, not_utf8, other_table)], ids=str)
def test_who_does_not_read_a_file_does_not_notice(
    state: State, base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("explain", "intervene"):
        home = tmp_path / name
        shutil.copytree(base / "home", home)
        path = damaged(state, home)
        code, err = outcome(base, home, COMMANDS[name], capsys=capsys, monkeypatch=monkeypatch)
        assert code in (0, 1) and "Traceback" not in err
        assert code == 0 or path.name in err or path.parent.name in err, (name, err)


def test_whole_files_are_read(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table above proves something: without a damage the same commands come to an end."""
    shutil.copytree(base / "home", tmp_path / "home")
    for name in sorted(COMMANDS.keys() - {"promote", "track"}):
        code, err = outcome(base, tmp_path / "home", COMMANDS[name], capsys=capsys, monkeypatch=monkeypatch)
        assert code == 0, (name, err)


EXPORT_FILES = ("employees.csv", "events.csv", "reviews.csv", "exits.csv")


@pytest.mark.parametrize(
    "damage", [cut_in_a_row, emptied, folder, parquet_that_is_cut], ids=lambda damage: damage.__name__
)
@pytest.mark.parametrize("file", EXPORT_FILES)
def test_a_damaged_export_is_named(
    file: str,
    damage: Callable[[Path], None],
    base: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The check says what is wrong with each table; training and scoring stop at the first."""
    shutil.copytree(base / "data", tmp_path / "data")
    damage(tmp_path / "data" / file)
    monkeypatch.setenv("COLUMNS", "400")
    for command in (["check"], ["train", MODEL], ["targets"]):
        argv = [*command, "--data", str(tmp_path / "data"), "--project", str(base / "project")]
        monkeypatch.setattr("sys.argv", ["perfml", *argv, *(["--home", str(tmp_path)] if command != ["check"] else [])])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        captured = capsys.readouterr()
        assert ended.value.code == 1, command
        assert Path(file).stem in captured.out + captured.err, command
        assert "Traceback" not in captured.out + captured.err


def test_the_service_says_what_is_damaged(base: Path, tmp_path: Path) -> None:
    """Every route answers, with a problem where its file is damaged; none breaks."""
    paths = [
        *("/v1/models", f"/v1/models/{MODEL}", f"/v1/models/{MODEL}/at-risk", f"/v1/priorities?model={MODEL}"),
        *(f"/v1/employees/{PERSON}/risk?model={MODEL}", "/v1/targets", "/v1/escalations"),
    ]
    for number, state in enumerate(STATES):
        home = tmp_path / str(number)
        shutil.copytree(base / "home", home)
        damaged(state, home)
        with TestClient(create_app(home), base_url="http://127.0.0.1") as client:
            for path in paths:
                answer = client.get(path)
                assert answer.status_code in (200, 404, 409, 500, 503), (state, path, answer.text)
                assert answer.status_code == 200 or answer.json()["remedy"], (state, path, answer.text)
