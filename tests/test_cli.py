"""The command line: what a person types, and what comes back."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import fields
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from perfml import cli, terminal
from perfml.reasons.voices import VoicedReason
from perfml.scoring.against.comparison import VoicedComparison
from perfml.scoring.table_files import read_rows
from perfml.scoring.voiced import VoicedScore
from perfml.terminal import console
from tests.sealed import seal_again
from tests.simulated import END, Simulated, quick_project
from tests.tables import write_tables


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    """Call ``perfml`` with words; gives (exit code, standard output, standard error)."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(terminal.out, "_width", 100)
    monkeypatch.setattr(terminal.err, "_width", 100)

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["perfml", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return call


COMMANDS = [
    *(
        "init",
        "map",
        "template",
        "demo",
        "check",
        "features",
        "train",
        "backtest",
        "score",
        "explain",
        "indicators",
        "process-debt",
        "feedback-network",
        "report",
        "dashboard",
        "serve",
    ),
    *("promote", "track", "mlflow", "replay", "drift", "fairness", "raters", "curves", "warm-up"),
    *("targets", "escalations", "courses", "priorities", "person", "decide", "intervene"),
    *("deliveries", "acknowledge", "receive"),
    *("holds", "release", "stop", "resume", "recompute", "dispute", "disputes", "resolve", "review"),
    *("definitions", "sign-off", "reconcile", "rebase"),
    *("notice", "opt-out", "outcome", "package", "retention", "governance"),
    *("record", "peers", "brief", "card", "eligibility", "what-if"),
    *("backup", "restore"),
]


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    result = CliRunner().invoke(cli.app, [command, "--help"])
    assert result.exit_code == 0
    assert "Usage" in result.output


def test_commands_are_all_listed() -> None:
    assert sorted(
        command.name or command.callback.__name__.replace("_", "-")
        for command in cli.app.registered_commands
        if command.callback
    ) == sorted(COMMANDS)


def test_check_prints_and_exits_with_what_it_found(run, company_of_500: Simulated, tmp_path: Path) -> None:
    code, out, _ = run("check", "--data", company_of_500.data, "--project", company_of_500.project)
    assert code == 0
    assert "enrolments" in out
    assert max(len(line) for line in out.splitlines()) <= 100
    code, out, _ = run("check", "--data", company_of_500.data, "--project", company_of_500.project, "--json")
    report = json.loads(out)
    assert code == 0 and report["ready"]
    assert {table["name"] for table in report["tables"]} == {*company_of_500.open().folder.definitions.tables}
    lone = write_tables(tmp_path, employees="employee_id | hired_on\ne1 | 2020-01-01")
    code, out, _ = run("check", "--data", lone)
    assert code == 1
    assert "neither" in out or "nor in 'reviews'" in out


@pytest.mark.slow
def test_annual_reviews_only_cannot_carry_a_weekly_risk(run, tmp_path: Path) -> None:
    reviews = "review_id | employee_id | period_end | reviewed_on | rating\n" + "\n".join(
        f"r{i}{year} | e{i} | {year}-12-31 | {year + 1}-01-15 | 3" for i in range(3) for year in (2020, 2021, 2022)
    )
    employees = "employee_id | hired_on\n" + "\n".join(f"e{i} | 2020-01-01" for i in range(3))
    _, out, _ = run("check", "--data", write_tables(tmp_path, employees=employees, reviews=reviews), "--json")
    assert [line["values"] for line in json.loads(out)["cannot"] if line["code"] == "rare_reviews"]


def test_features_are_written_and_described(run, company_of_500: Simulated, tmp_path: Path) -> None:
    out_file = tmp_path / "f.parquet"
    code, out, _ = run(
        "features",
        "--data",
        company_of_500.data,
        "--from",
        "2026-07-01",
        "--to",
        END,
        "--every",
        "quarter",
        "--out",
        out_file,
        "--json",
    )
    description = json.loads(out)
    frame = pd.read_parquet(out_file)
    assert code == 0
    assert description["rows"] == len(frame)
    assert [c["name"] for c in description["columns"]] == list(frame.columns[2:])
    assert sorted(pd.to_datetime(frame["as_of"]).dt.strftime("%Y-%m-%d").unique()) == ["2026-07-01", "2026-10-01"]


def test_score_writes_csv_and_explain_reads_the_same(
    run, company_of_500: Simulated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "SECONDS_BETWEEN_LINES", 3600.0)  # a busy machine prints how far it is
    out_file = tmp_path / "scores.csv"
    where = ("--project", company_of_500.project, "--home", company_of_500.home)
    code, _, err = run("score", "attrition", "--data", company_of_500.data, "--as-of", END, "--out", out_file, *where)
    assert (code, err) == (0, "")
    frame = pd.read_csv(out_file, dtype={"employee_id": str})
    assert len(frame) == len(company_of_500.rows["attrition"])
    first = frame.iloc[0]
    code, out, _ = run("explain", first["employee_id"], "--model", "attrition", *where, "--json")
    (row,) = json.loads(out)
    assert code == 0
    assert row["probability"] == pytest.approx(first["probability"])
    assert first["hr_reason_1"] in row["reasons"][0]["en"] or row["reasons"][0]["en"] in first["hr_reason_1"]
    code, out, _ = run("explain", first["employee_id"], "--model", "attrition", *where)
    assert code == 0 and "风险" in out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "problem", "remedy"),
    [
        (("score", "attrition", "--as-of", "2026-13-01"), "'2026-13-01' is not a date", "YYYY-MM-DD"),
        (("score", "attrition", "--from", "2026-01-01"), "--from --to --every: is incomplete", "give all three"),
        (
            ("score", "attrition", "--from", "2026-01-01", "--to", "2026-02-01", "--every", "fortnight"),
            "'fortnight'",
            "week, month, quarter",
        ),
        (("score", "attrition", "--out", "x.txt"), "ends in '.txt'", ".parquet or .csv or .xlsx"),
        (("features", "--out", "x.parquet"), "no date is named", "--from --to --every"),
        (("train", "atrition"), "no model is called 'atrition'", "attrition, low_performance"),
        (("check", "--data", "/nowhere"), "is not there", "DuckDB file"),
        (("check", "--project", "/nowhere"), "perfml.toml is missing", "perfml init"),
        (("explain", "nobody"), "nothing has been scored", "perfml score attrition"),
        (("score", "low_performance"), "has not been trained", "perfml train low_performance"),
        (("serve", "--host", "0.0.0.0"), "0.0.0.0", "127.0.0.1"),
    ],
)
def test_mistakes_are_named_with_their_remedy(
    run, tmp_path: Path, arguments: tuple[str, ...], problem: str, remedy: str
) -> None:
    home = () if arguments[0] in ("check", "features") else ("--home", tmp_path)
    data = ("--data", tmp_path) if arguments[0] in ("train", "score", "features") else ()
    if arguments[0] == "train":
        write_tables(
            tmp_path,
            employees="employee_id | hired_on\ne1 | 2020-01-01",
            events="employee_id | happened_at | kind\ne1 | 2021-01-01 | a",
        )
    code, _, err = run(*arguments, *home, *data)
    message = " ".join(err.split())
    assert code == 1
    assert problem in message and remedy in message
    assert "Traceback" not in err


def test_unknown_options_and_no_command_exit_with_two(run) -> None:
    assert run("check", "--dada", "x")[0] == 2


def test_init_copies_a_whole_project_and_overwrites_nothing(run, tmp_path: Path) -> None:
    code, _, _ = run("init", tmp_path / "mine")
    assert code == 0
    assert (tmp_path / "mine" / "features" / "sources.toml").is_file()
    (tmp_path / "mine" / "perfml.toml").write_text('name = "mine"')
    code, _, err = run("init", tmp_path / "mine")
    assert code == 1 and "already exists" in err
    assert (tmp_path / "mine" / "perfml.toml").read_text() == 'name = "mine"'


def test_a_record_that_ended_long_ago_is_not_scored(run, company_of_500: Simulated) -> None:
    where = ("--project", company_of_500.project, "--home", company_of_500.home)
    code, _, err = run("score", "attrition", "--data", company_of_500.data, "--as-of", "2026-11-15", *where)
    assert code == 1
    assert "ends on 2026-10-01, too long before 2026-11-15" in " ".join(err.split())


def test_a_place_that_cannot_be_written_is_named_before_any_work(
    run, company_of_500: Simulated, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    code, _, err = run("train", "attrition", "--data", company_of_500.data, "--home", tmp_path / "file" / "home")
    assert code == 1
    assert "Not a directory" in err and "choose another path" in " ".join(err.split())


def test_report_is_written_from_kept_scores(run, company_of_500: Simulated, tmp_path: Path) -> None:
    where = ("--project", company_of_500.project, "--home", company_of_500.home)
    code, _, err = run("report", "--out", tmp_path / "r.html", *where)
    assert (code, err) == (0, "")
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "Risk of leaving" in page and "低绩效风险" in page
    code, _, err = run("report", "--out", tmp_path / "r.html", "--as-of", "2020-01-01", *where)
    assert code == 1 and "use one of: 2026-10-01" in " ".join(err.split())
    code, _, err = run("report", "--out", tmp_path / "r.html", "--home", tmp_path / "empty")
    assert code == 1 and "nothing has been scored" in err


def test_a_tracking_server_that_is_down_loses_nothing(run, company_of_500: Simulated, tmp_path: Path) -> None:
    common = ["--project", quick_project(tmp_path / "quick"), "--home", tmp_path]
    train = ["train", "low_performance", "--data", company_of_500.data, "--until", END.isoformat(), *common]
    code, out, _ = run(*train, "--tracking-uri", "http://127.0.0.1:9")
    assert code == 0
    assert "waits" in out and "perfml track" in out and "candidate" in out
    assert len(list((tmp_path / "mlflow" / "pending").iterdir())) == 1
    code, out, _ = run("track", *common)
    assert code == 0 and "logged" in out
    assert not list((tmp_path / "mlflow" / "pending").iterdir())
    code, out, err = run("promote", "low_performance", *common)
    assert code == 1 and "baseline" in out
    assert "nobody approves it" in err or "fails at least one gate at every horizon" in err


def test_replay_matches_and_an_altered_score_is_noticed(run, company_of_500: Simulated, tmp_path: Path) -> None:
    home = tmp_path / "home"
    company_of_500.copy_home(home)
    asked = ["replay", "attrition", "--as-of", END.isoformat(), "--home", home, "--project", company_of_500.project]
    code, out, _ = run(*asked)
    assert code == 0 and "to the last digit" in out
    path = home / "scores" / "attrition" / f"{END}.parquet"
    table = read_rows(path)
    risk = pa.array([None if p is None else p / 2 for p in table["probability"].to_pylist()])
    forged = table.set_column(table.schema.get_field_index("probability"), "probability", risk)
    pq.write_table(forged, path)
    code, _, err = run(*asked)
    assert code == 1 and "was altered" in err and "perfml score attrition --as-of" in err
    shutil.copy(company_of_500.home / path.relative_to(home), path)
    seal_again(path, forged)
    code, out, _ = run(*asked, "--language", "zh")
    assert code == 1 and "重算结果不一致" in out and "probability" in out


def test_a_sample_of_what_was_served_is_computed_again(run, company_of_500: Simulated, tmp_path: Path) -> None:
    home = tmp_path / "home"
    company_of_500.copy_home(home)
    asked = ["replay", "--sample", "1", "--people", "5", "--seed", "s", "--home", home, "--json"]
    code, out, _ = run(*asked, "--project", company_of_500.project)
    sample = json.loads(out)
    assert (code, sample["sound"], sample["seed"]) == (0, True, "s")
    assert [(check["verdict"], check["people"]) for check in sample["checks"]] == [("same", 5)]
    code, _, err = run("replay", "--home", home)
    assert code == 1 and "MODEL --as-of, or --sample" in err


def test_fairness_drift_and_raters_answer_in_tables_and_json(run, company_of_500: Simulated, tmp_path: Path) -> None:
    data, project = ["--data", company_of_500.data], ["--project", company_of_500.project]
    quick = ["--project", quick_project(tmp_path / "quick")]
    home = tmp_path / "home"  # since drift keeps what it measured
    company_of_500.copy_home(home)
    code, out, _ = run("fairness", "attrition", *data, *quick, "--mitigate", "gender")
    assert code == 0 and "non flag rate ratio" in " ".join(out.split()) and "proxy of gender" in out
    code, _, err = run("fairness", "attrition", *data, *quick, "--mitigate", "shoe_size")
    assert code == 1 and "not a protected attribute" in err
    code, out, _ = run("drift", "attrition", *data, *project, "--home", home, "--json")
    assert code == 0 and json.loads(out)[0]["verdict"] in ("no action", "watch", "retrain", "cannot tell")
    code, out, _ = run("raters", *data, *project, "--json")
    assert code == 0 and {"en", "zh", "severity"} <= set(json.loads(out)[0])
    code, out, _ = run(
        "curves", "attrition", *data, *project, "--home", company_of_500.home, "--out", tmp_path / "c.csv"
    )
    assert code == 0 and (tmp_path / "c.csv").is_file()


def test_advice_is_suggested_decided_on_and_remembered(run, company_of_500: Simulated, tmp_path: Path) -> None:
    home = tmp_path / "home"
    company_of_500.copy_home(home)
    where = ("--home", home, "--project", company_of_500.project)
    data = ("--data", company_of_500.data)
    code, out, _ = run("targets", *data, *where, "--as-of", "2026-09-03", "--out", tmp_path / "t.csv")
    assert code == 0 and "goals:" in out and max(map(len, out.splitlines())) <= 100
    table = pd.read_csv(tmp_path / "t.csv")
    assert set(table["status"]) <= {"suggested", "fits", "none", "beyond", "error", "held"} and len(table) > 500
    code, out, _ = run("courses", *data, *where, "--out", tmp_path / "c.parquet")
    assert code == 0 and "people with courses" in out
    courses = pq.read_table(tmp_path / "c.parquet").to_pandas()
    (first,) = courses[courses["status"] == "suggested"].head(1).to_dict("records")
    code, out, _ = run("courses", *data, *where, "--employee", first["employee_id"], "--json")
    assert {row["employee_id"] for row in json.loads(out)} == {first["employee_id"]}
    code, _, err = run("decide", first["suggestion_id"], "refuse", "--by", "李娜", *where)
    assert code == 1 and "say why it is refused" in err
    code, _, err = run("decide", first["suggestion_id"], "refuse", "--by", "李娜", "--reason", "已学过", *where)
    assert code == 1 and "too short for a reason" in err
    code, out, _ = run(
        "decide", first["suggestion_id"], "refuse", "--by", "李娜", "--reason", "去年已学过这门课", *where
    )
    assert code == 0 and "去年已学过这门课" in out
    code, _, err = run("decide", "nothing", "accept", "--by", "李娜", *where)
    assert code == 1 and "there is no such suggestion" in err
    code, out, _ = run("courses", *data, *where, "--employee", first["employee_id"], "--json")
    assert first["suggestion_id"] not in {
        row["suggestion_id"] for row in json.loads(out) if row["status"] == "suggested"
    }


def test_priorities_are_listed_logged_and_not_listed_again(run, company_of_500: Simulated, tmp_path: Path) -> None:
    home = tmp_path / "home"
    company_of_500.copy_home(home)
    where = ("--home", home, "--project", company_of_500.project)
    code, out, _ = run("priorities", "attrition", "--capacity", 4, *where)
    assert code == 0 and "to talk to" in out and "名单 4 人" in out
    code, out, _ = run("priorities", "attrition", "--capacity", 4, *where, "--json")
    people = [person["employee_id"] for person in json.loads(out)["people"]]
    assert len(people) == 4
    options = ("--kind", "conversation", "--offered-on", "2026-09-01", "--status", "done", "--done-on", "2026-09-05")
    code, out, _ = run("intervene", people[0], *options, *where)
    assert code == 0 and "conversation done" in out
    code, out, _ = run("priorities", "attrition", "--capacity", 4, *where, "--json")
    listed = json.loads(out)
    assert people[0] not in [person["employee_id"] for person in listed["people"]]
    assert [person["employee_id"] for person in listed["lasting"]] == [people[0]]
    code, out, _ = run("priorities", "attrition", "--capacity", 4, "--hold-out", 0.5, "--log", "conversation", *where)
    assert code == 0 and "entries logged" in out and "Logged" not in out


def test_a_policy_is_back_tested_like_a_model(run, company_of_500: Simulated) -> None:
    code, out, _ = run(
        "backtest", "target_adjustment", "--data", company_of_500.data, "--until", "2025-01-05", "--json"
    )
    report = json.loads(out)
    assert code == 0 and [entry["part"] for entry in report["at"]] == [0.25, 0.5, 0.75]
    assert all(entry["mase"]["value"] < 1 for entry in report["at"])
    code, _, err = run("targets", "--data", company_of_500.data, "--policy", "nothing")
    assert code == 1 and "use one of: target_adjustment" in err


def test_explain_tells_in_a_voice_and_shows_the_rows_behind(run, company_of_500: Simulated) -> None:
    row = next(row for row in company_of_500.rows["attrition"] if row["status"] == "scored")
    asked = [
        "explain",
        row["employee_id"],
        "--home",
        company_of_500.home,
        "--project",
        company_of_500.project,
        "--json",
    ]
    code, out, _ = run(*asked, "--voice", "employee")
    (voiced,) = json.loads(out)
    assert code == 0 and set(voiced) == {field.name for field in fields(VoicedScore)}
    assert all(set(line) == {field.name for field in fields(VoicedReason)} for line in voiced["reasons"])
    code, out, _ = run(*asked[:-1], "--voice", "manager")
    assert code == 0 and f"{row['probability']:.1%}" not in out and "log-odds" not in out
    assert not any("risk" in line["en"] or "风险" in line["zh"] for line in voiced["reasons"])
    evidence = row["reasons"][0]["evidence"]
    code, out, _ = run(*asked, "--behind", evidence, "--data", company_of_500.data)
    assert code == 0 and all(isinstance(rows, list) for rows in json.loads(out).values())
    code, out, err = run(*asked[:-1], "--behind", "stars", "--data", company_of_500.data)
    assert code == 1 and "'stars' is not one of the listed reasons" in err and evidence in err


def test_explain_compares_with_the_team(run, company_of_500: Simulated) -> None:
    facts = company_of_500.open().people(END)
    scored = [row["employee_id"] for row in company_of_500.rows["attrition"] if row["status"] == "scored"]
    sizes = Counter(facts[each].manager_id for each in scored)
    many, few = (
        next(each for each in scored if least <= sizes[facts[each].manager_id] <= most)
        for least, most in ((7, 99), (1, 5))
    )
    where = ["--against", "team", "--home", company_of_500.home, "--project", company_of_500.project]
    code, out, _ = run("explain", many, *where)
    assert code == 0 and "Compared with the other people of the team" in out and "与团队中的其他人相比" in out
    assert "log-odds: mean of" in out
    code, out, _ = run("explain", many, *where, "--voice", "employee", "--json")
    (voiced,) = json.loads(out)
    assert code == 0 and set(voiced) == {field.name for field in fields(VoicedComparison)}
    code, out, _ = run("explain", many, *where, "--voice", "manager")
    assert code == 0 and "log-odds" not in out
    code, _, err = run("explain", many, *where, "--behind", "activity:overtime")
    assert code == 1 and "ask without --against" in err
    code, out, _ = run("explain", few, *where)
    assert code == 0 and "insufficient" in out and "数据不足" in out
