"""The recipes of ``docs/how-to`` are followed to the letter: what a page tells the reader to write is written and run."""

from __future__ import annotations

import datetime as dt
import re
import shlex
import time
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from typer.testing import CliRunner

from perfml import Project, cli
from perfml.demo.incident import Incident, write
from perfml.outgoing.signing import KEY_VARIABLE, signed_headers
from perfml.project.folder import ProjectFolder
from perfml.scoring.personal.keeping import keep_records
from perfml.scoring.replay import recorder
from perfml.trust.alerts.alert import Sighting
from perfml.trust.alerts.alert_log import read_alerts
from tests.exports.company import company
from tests.exports.makers import gbk_folder
from tests.features import test_specifications as evidence
from tests.goals.tree import company as goal_tree
from tests.models import test_specifications as models
from tests.outgoing.test_facts import company as company_with_openings
from tests.scoring.personal import company as people
from tests.service.company import advise, keep, scored, train
from tests.simulated import END, Simulated
from tests.trust.alerts import company as quiet
from tests.trust.deliveries import project as trust
from tests.trust.disputes.case import DAY, EARLIER_DAY, Company

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"


def blocks(page: str, language: str) -> list[str]:
    """The code blocks of a page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", (HOW_TO / page).read_text(encoding="utf-8"), flags=re.M | re.S)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder that is a project and says nothing yet."""
    (tmp_path / "perfml.toml").write_text('name = "mine"\n', encoding="utf-8")
    for name in ("features", "models", "pages"):
        (tmp_path / name).mkdir()
    return tmp_path


@pytest.mark.slow
def test_new_evidence(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (windows,) = blocks("new-evidence.md", "toml")
    (sql,) = blocks("new-evidence.md", "sql")
    (page,) = blocks("new-evidence.md", "md")
    (project / "features" / "logins.toml").write_text(windows, encoding="utf-8")
    (project / "features" / "leave.sql").write_text(sql, encoding="utf-8")
    path = project / "pages" / "leave.md"
    path.write_text(page, encoding="utf-8")
    definitions = ProjectFolder(project).definitions
    assert definitions.makes("logins_91d_team_z")
    monkeypatch.setattr(evidence, "PAGES", project / "pages")
    monkeypatch.setattr(evidence, "shipped", lambda: definitions)
    evidence.test_page_is_worth_reading("leave")
    evidence.test_every_column_is_looked_at("leave")
    for number, case in enumerate(evidence.read_page(path)[1]):
        evidence.test_case(case, project / str(number))


@pytest.mark.slow
def test_new_model(project: Path) -> None:
    definition, *_ = blocks("new-model.md", "toml")
    (page,) = blocks("new-model.md", "md")
    (project / "models" / "early_exit.toml").write_text(definition, encoding="utf-8")
    path = project / "pages" / "early_exit.md"
    path.write_text(page, encoding="utf-8")
    folder = ProjectFolder(project)
    models.check_page(path, folder)
    for number, case in enumerate(models.read_page(path)[1]):
        models.check_case(case, folder, project / str(number))


@pytest.mark.slow
def test_new_outcome(project: Path) -> None:
    model, evidence_file = blocks("new-outcome.md", "toml")
    (page,) = blocks("new-outcome.md", "md")
    (project / "models" / "long_absence.toml").write_text(model, encoding="utf-8")
    (project / "features" / "absence.toml").write_text(evidence_file, encoding="utf-8")
    path = project / "pages" / "long_absence.md"
    path.write_text(page, encoding="utf-8")
    folder = ProjectFolder(project)
    assert folder.definitions.makes("absences_364d_team_z")
    models.check_page(path, folder)
    for number, case in enumerate(models.read_page(path)[1]):
        models.check_case(case, folder, project / str(number))


def test_new_policy(project: Path) -> None:
    override, second = blocks("new-policy.md", "toml")
    (project / "models" / "course_match.toml").write_text(override, encoding="utf-8")
    shipped = (Path(__file__).parents[2] / "models" / "target_adjustment.toml").read_text(encoding="utf-8")
    copied = re.sub(r'^(kind|zh|en) = ".*"\n', "", shipped, flags=re.M)
    (project / "models" / "field_targets.toml").write_text(second + copied, encoding="utf-8")
    folder = ProjectFolder(project)
    assert folder.policy("course_match").languages == ("zh",)
    assert folder.policy("field_targets").en == "Targets of the field force"


def test_gate_limits(project: Path) -> None:
    (limits,) = blocks("new-gate.md", "toml")
    (project / "models" / "attrition.toml").write_text(limits, encoding="utf-8")
    assert ProjectFolder(project).model("attrition").gates.min_jaccard == 0.4


def test_own_data(project: Path) -> None:
    (scale,) = blocks("own-data.md", "toml")
    (project / "features" / "sources.toml").write_text(scale, encoding="utf-8")
    assert ProjectFolder(project).definitions.tables["reviews"].scale.best == 10


@pytest.mark.slow
def test_export(project: Path, tmp_path: Path) -> None:
    """The files of the page read the export that it describes."""
    export = tmp_path / "export"
    export.mkdir()
    roster = (
        "花名册 2024\n工号,入职日期,离职日期,离职类型\n123,2020/1/5,,\n00124,2019/3/1,2024/5/31,主动离职\n"
        "125,2018/7/1,2024/6/30,退休\n"
    )
    (export / "花名册.csv").write_bytes(roster.encode("gbk"))
    attendance = "id;month;overtime h;logins\n123;03/2024;12,5;20\n124;03/2024;;3\n"
    (export / "attendance.csv").write_text(attendance, encoding="utf-8-sig")
    for year in (2023, 2024):
        with xlsxwriter.Workbook(str(export / f"绩效{year}.xlsx")) as book:
            sheet = book.add_worksheet("考核")
            sheet.write_row(0, 0, ["工号", "考核周期", "考核日期", "等级"])
            sheet.write_row(1, 0, [123, f"{year}-06", f"{year}-07-15", "优"])
    (project / "sources").mkdir()
    names = ("employees", "exits", "reviews", "attendance")
    for name, text in zip(names, blocks("export.md", "toml"), strict=True):
        (project / "sources" / f"{name}.toml").write_text(text, encoding="utf-8")
    with Project(project).open(export) as data:
        select = data.connection.execute
        assert select("select employee_id, hired_on::text from employees order by 1").fetchall() == [
            ("00123", "2020-01-05"),
            ("00124", "2019-03-01"),
            ("00125", "2018-07-01"),
        ]
        assert select("select employee_id, exited_on::text, kind from exits").fetchall() == [
            ("00124", "2024-05-31", "voluntary")
        ]
        assert select("select value, file, row_in_file from quarantine").fetchall() == [("退休", None, 5)]
        assert select("select review_id, period_end::text, rating from reviews order by 1").fetchall() == [
            ("123-2023-06", "2023-06-30", 5.0),
            ("123-2024-06", "2024-06-30", 5.0),
        ]
        assert select("select employee_id, happened_day::text, kind, value from events order by 1, 3").fetchall() == [
            ("00123", "2024-03-31", "login", 20.0),
            ("00123", "2024-03-31", "overtime", 12.5),
            ("00124", "2024-03-31", "login", 3.0),
        ]


@pytest.mark.slow
def test_map(small_export: Path, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    examples = {"EXPORT": str(small_export), "PROJECT": str(project / "mapped"), "DIR": str(project / "template")}
    for command in "".join(blocks("map.md", "sh")).splitlines():
        arguments = [examples.get(word, word) for word in shlex.split(command)[3:]]
        monkeypatch.setattr("sys.argv", ["perfml", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert not ended.value.code, arguments
    assert (project / "mapped" / "sources" / "events.toml").is_file()


@pytest.mark.slow
def test_two_systems(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A month in which the packets of two offices were lost: the commands that compare end with 1."""
    (definition,) = blocks("two-systems.md", "toml")
    (project / "features" / "definitions.toml").write_text(definition, encoding="utf-8")
    export = write(Incident(people=1, backfilled_at=None), tmp_path / "export")
    examples = {"PROJECT": str(project), "EXPORT": str(export), "PAGE.html": str(tmp_path / "page.html")}
    examples |= {"NAME": "Li Na", "SENTENCE": "agreed with the sales board"}
    ended = {}
    for command in "".join(blocks("two-systems.md", "sh")).splitlines():
        arguments = [examples.get(word, word) for word in shlex.split(command)[3:]]
        monkeypatch.setattr("sys.argv", ["perfml", *arguments])
        with pytest.raises(SystemExit) as end:
            cli.main()
        ended[arguments[0]] = end.value.code
    assert ended == {"definitions": 0, "sign-off": 0, "reconcile": 1}
    assert "<svg" in (tmp_path / "page.html").read_text(encoding="utf-8")


def run_page(page: str, examples: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Run every command of a page, with ``examples`` for the words in capitals; return the exit codes."""
    codes = []
    for command in "".join(blocks(page, "sh")).splitlines():
        arguments = [examples.get(word, word) for word in shlex.split(command)[3:]]
        monkeypatch.setattr("sys.argv", ["perfml", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        codes.append(int(ended.value.code or 0))
    return codes


@pytest.mark.slow
def test_deliveries(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A week is missing, somebody acknowledges, the packet comes."""
    (feeds,) = blocks("deliveries.md", "toml")
    (project / "features" / "deliveries.toml").write_text(feeds, encoding="utf-8")
    packet = project / "packet.csv"
    packet.write_text("event_id,employee_id,happened_at,kind\nw1,e1,2025-03-11 09:00:00,a\n", encoding="utf-8")
    examples = {
        "PROJECT": str(project),
        "EXPORT": str(trust.company(project)),
        "NAME": "李娜",
        "packet.csv": str(packet),
    }
    assert run_page("deliveries.md", examples, monkeypatch) == [1, 0, 0]
    with Project(project).open(project / "data") as data:
        assert data.connection.execute("select count(*) from events where event_id = 'w1'").fetchall() == [(1,)]


@pytest.mark.slow
def test_notices(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (policy,) = blocks("notices.md", "toml")
    (project / "models" / "notices.toml").write_text(policy, encoding="utf-8")
    (project / "told.csv").write_text("employee_id,given_on\ne2,2026-02-01\n", encoding="utf-8")
    names = {name: str(project / name) for name in ("told.csv", "package.html", "governance.html")}
    examples = {"PROJECT": str(project), "EXPORT": str(trust.company(project)), "NAME": "李娜", **names}
    *codes, governance = run_page("notices.md", examples, monkeypatch)
    assert codes == [0] * 6 and governance in (0, 1)
    assert Project(project).notices()["E2"].opted_out_on is not None
    assert all((project / name).is_file() for name in names)


@pytest.mark.slow
def test_audit(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Project(project)
    opened.opt_out("E1", by="E1", on="2026-02-01")
    assert run_page("audit.md", {"PROJECT": str(project), "NAME": "李娜"}, monkeypatch) == [0] * 4
    assert opened.audit("E1") == () and opened.verify_audit().whole


@pytest.mark.slow
def test_access(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run_page("access.md", {"PROJECT": str(project), "NAME": "李娜"}, monkeypatch) == [0] * 5
    assert Project(project).accounts()[0].all_grants[0].units == {"department:South"}
    assert {each.kind.value for each in Project(project).credentials()} == {"setup_link"}


@pytest.mark.slow
def test_conversations(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The figure of the page is shown beside the others; each command says what the page says of it."""
    (measure,) = blocks("conversations.md", "toml")
    (project / "models" / "peers.toml").write_text(measure, encoding="utf-8")
    opened, day = Project(project), people.DAY
    with opened.open(people.company(tmp_path / "data")) as data:
        run = recorder(opened.home, data=data, folder=opened.folder, held={day: {}})(day)
        keep_records(data, opened.folder, opened.home, as_of=day, run=run, held={})
    assert run_page("conversations.md", {"PROJECT": str(project), "EMPLOYEE": "e1"}, monkeypatch) == [0] * 4
    printed = capsys.readouterr().out
    assert "praise received in the last 364 days: 1" in printed and "insufficient" in printed
    assert "gap_tags" in printed and "[reviews r2]" in printed and "[goals g1 2026-09-10; progress" in printed
    assert "最近两次考核" in printed and "e2" not in printed, "the giver of feedback"


@pytest.mark.slow
def test_goals(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    goal_tree.company(tmp_path / "data").close()
    names = {"PROJECT": str(project), "EXPORT": str(tmp_path / "data"), "DATE": str(goal_tree.DAY)}
    assert run_page("goals.md", names, monkeypatch) == [0] * 4
    printed = " ".join(capsys.readouterr().out.split())
    assert "38% of the weight of 4 people reaches a company goal" in printed
    assert "grow needs sales, service; service has no goal that serves it, sales has" in printed
    assert "cas c2: care serves no company goal: what care names above it is not on record" in printed


@pytest.mark.slow
def test_exports(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The receiver of the page does not exist: what is due waits; it would take a signed message once."""
    data = company_with_openings(tmp_path / "data")
    (definition,) = blocks("exports.md", "toml")
    (project / "serve").mkdir()
    (project / "serve" / "exports.toml").write_text(definition.replace("learning.example.com", "127.0.0.1:9"), "utf-8")
    home = Project(project).home
    keep(home, "attrition", train(home, "attrition", {91: True}), [scored("E1", 1, band="act")])
    advise(home)
    monkeypatch.setenv(KEY_VARIABLE, "k" * 32)
    examples = {"PROJECT": str(project), "EXPORT": str(data), "EMPLOYEE": "bob"}
    assert run_page("exports.md", examples, monkeypatch) == [0, 0, 1, 0, 0, 0, 0]
    sent = {each.export: each for each in Project(project).export_ledger()}
    assert (sent["at_risk"].state, sent["learning_platform"].state) == ("delivered", "waiting")
    code: dict[str, Any] = {}
    exec("".join(blocks("exports.md", "python")), code)
    known: dict[str, bytes] = {}
    signed = signed_headers(["k" * 32], delivery_id="d", at=int(time.time()), body=b"x") | {"Idempotency-Key": "d"}
    assert [code["receive"](signed, body, ["k" * 32], known) for body in (b"x", b"x", b"y")] == [200, 200, 401]
    assert known == {"d": b"x"}


@pytest.mark.slow
def test_deploy(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A backup of the project's home is restored into another, with the key that was kept elsewhere."""
    home = Project(project).home
    Project(project).opt_out("E1", by="E1", on="2026-02-01")
    backup, restore = "".join(blocks("deploy.md", "sh")).splitlines()
    names = {"PROJECT": str(project), "BACKUPS": str(tmp_path / "backups"), "HOME": str(tmp_path / "restored")}
    (tmp_path / "backups").mkdir()
    for command in (backup, restore):
        names |= {"KEY": str(home / "audit.key"), "FILE": str(next((tmp_path / "backups").glob("*.gz"), ""))}
        monkeypatch.setattr("sys.argv", ["perfml", *(names.get(word, word) for word in shlex.split(command)[3:])])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert not ended.value.code, command
    assert Project(project, home=tmp_path / "restored").notices()["E1"].opted_out_on == dt.date(2026, 2, 1)


def test_deploy_names_what_compose_asks_for() -> None:
    compose = (HOW_TO.parents[1] / "serve" / "compose.yaml").read_text(encoding="utf-8")
    shell = "".join(blocks("deploy.md", "bash"))
    for secret in re.findall(r"\.\./secrets/(\w+)", compose):
        assert f"secrets/{secret}" in shell
    assert "PERFML_ALLOW_HOST" in shell and "PERFML_ALLOW_HOST:?" in compose


@pytest.fixture
def small_export(tmp_path: Path) -> Path:
    """An export in GBK with Chinese names."""
    (folder := tmp_path / "export").mkdir()
    gbk_folder(company(tmp_path / "small"), folder)
    return folder


def test_served(company_of_500: Simulated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands of the page, and that of its line for cron, end with 0."""
    typed = [shlex.split(line)[3:] for block in blocks("served.md", "sh") for line in block.splitlines()]
    (nightly,) = blocks("served.md", "text")
    typed.append(shlex.split(nightly.split("run.py ")[1].split(" >")[0])[1:])
    where = ["--project", str(company_of_500.project), "--home", str(company_of_500.home)]
    for arguments in typed:
        given = [str(END) if word == "DATE" else word for word in arguments]
        monkeypatch.setattr("sys.argv", ["perfml", *given, *where])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert not ended.value.code, arguments


def test_private_home(company_of_500: Simulated) -> None:
    """Models, scores and definitions are readable by their owner alone."""
    modes = {path: path.stat().st_mode & 0o777 for path in company_of_500.home.rglob("*")}
    assert {path for path, mode in modes.items() if mode != (0o700 if path.is_dir() else 0o600)} == set()


@pytest.mark.slow
def test_dispute(tmp_path: Path) -> None:
    """The commands run as they stand; what they name is that of a small company."""
    company = Company.of(tmp_path)
    company.score(EARLIER_DAY, DAY)
    (settings,) = blocks("dispute.md", "toml")
    (tmp_path / "perfml.toml").write_text(f'name = "mine"\n{settings}', encoding="utf-8")
    (tmp_path / "letter.txt").write_text("the rating is 4", encoding="utf-8")
    options = ["--project", str(tmp_path), "--home", str(company.home)]
    printed = ""
    for line in "".join(blocks("dispute.md", "sh")).splitlines():
        named = {"E1": "e2", "R1": "r5", "H1": "e5", "export": str(company.data), "letter.pdf": "letter.txt"}
        words_of_line = [named.get(word, word) for word in shlex.split(line)[1:]]
        words_of_line = [str(tmp_path / word) if word == "letter.txt" else word for word in words_of_line]
        if "DISPUTE" in words_of_line:
            words_of_line[words_of_line.index("DISPUTE")] = company.log.disputes("e2")[0].dispute_id
        outcome = CliRunner().invoke(cli.app, [*words_of_line, *options])
        assert outcome.exit_code == 0, (line, outcome.output, outcome.exception)
        printed += outcome.output
    assert "everything was stopped by Li Na" in printed and "upheld by e5" in printed and "rating 4" in printed


def test_missing_days(project: Path) -> None:
    (answer,) = blocks("missing-days.md", "toml")
    (project / "features" / "holes.toml").write_text(answer, encoding="utf-8")
    (given,) = ProjectFolder(project).definitions.holes.answers
    assert (given.location, given.verdict, (given.last - given.first).days) == ("South", "shutdown", 2)


@pytest.mark.slow
def test_alerts(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty-five hours of overtime are told of by the rule of the page, and somebody takes care of it."""
    (rule,) = blocks("alerts.md", "toml")
    (project / "models" / "alerts.toml").write_text(rule, encoding="utf-8")
    data = quiet.company(project / "data")
    rows = (data / "events.csv").read_text(encoding="utf-8").splitlines()
    header, *rest = (f"{row},{'value' if row.startswith('event_id') else ''}" for row in rows)
    overtime = "o1,ana,2026-03-10 19:00:00,overtime,45"
    (data / "events.csv").write_text("\n".join([header, overtime, *rest]), encoding="utf-8")
    day = dt.date(2026, 3, 17)
    alert = Sighting(rule="long_hours", employee_id="ana", day=day, numbers={}).alert_id
    examples = {"PROJECT": str(project), "EXPORT": str(data), "DATE": str(day), "NAME": "李娜", "ALERT": alert}
    assert run_page("alerts.md", examples, monkeypatch) == [0, 0, 0]
    assert [each.state for each in read_alerts(Project(project).home) if each.first.alert_id == alert] == [
        "acknowledged"
    ]
