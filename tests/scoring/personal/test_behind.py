"""The rows kept of a person are those that a reason was computed from: compared with what the data say."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext

import pandas as pd
import pytest

from perfml import Project
from perfml.evidence.behind import without_others
from perfml.evidence.log.traces import ColumnTrace, EventTrace, KindSet
from perfml.messages import Bilingual
from perfml.project.folder import ProjectFolder
from perfml.project.starter import STARTER
from perfml.scoring.personal.behind import RowsBehind, rows_behind_kept, traced
from perfml.scoring.personal.files import MOST, KeptRow, KeptTable, RecordContents
from perfml.scoring.personal.standing import RecordReading, StandingRecord
from tests.simulated import Simulated

TABLES = ProjectFolder(STARTER).definitions.tables


def value_of(value: object) -> str:
    """A value as both sides write it."""
    text = str(value).removesuffix(" 00:00:00").replace("True", "true").replace("False", "false")
    try:
        return repr(float(text))
    except ValueError:
        return text


def of_data(rows: pd.DataFrame, person: str) -> Counter[tuple[tuple[str, str], ...]]:
    """How often each row occurs, without the person themself."""
    records = rows.astype(object).where(rows.notna(), None).to_dict("records")
    return Counter(
        tuple(
            sorted(
                (str(name), value_of(value))
                for name, value in row.items()
                if value is not None and name != "known_at" and not (name == "employee_id" and value == person)
            )
        )
        for row in records
    )


def of_kept(answer: RowsBehind, table: str) -> Counter[tuple[tuple[str, str], ...]]:
    rows = next((each.rows for each in answer.tables if each.name == table), ())
    return Counter(tuple(sorted((name, value_of(value)) for name, value in row.values.items())) for row in rows)


def newest(counted: Counter[tuple[tuple[str, str], ...]], column: str) -> list[str]:
    moments = sorted((dict(row).get(column, "") for row in counted.elements()), reverse=True)
    return moments[:MOST]


@pytest.fixture(scope="module")
def project(company_of_500: Simulated) -> Iterator[Project]:
    """The project of the trained company, which reads the data once and not for each reason."""
    project = company_of_500.open()
    with project.open(company_of_500.data) as opened, pytest.MonkeyPatch.context() as patch:
        patch.setattr(Project, "open", lambda *_, **__: nullcontext(opened))
        yield project


@pytest.mark.slow
def test_they_are_those_of_the_data(company_of_500: Simulated, project: Project) -> None:
    compared, whole = 0, 0
    for model, rows in company_of_500.rows.items():
        scored = [row for row in rows if row["status"] == "scored"]
        for row in scored[:: len(scored) // 5]:
            person = row["employee_id"]
            for reason in [each["evidence"] for each in row["reasons"] if each["values"]][:6]:
                answer = rows_behind_kept(
                    company_of_500.home, person, reason, model=model, reading=RecordReading.of("hr")
                )
                tables = project.rows_behind(person, reason, company_of_500.data, model=model, most=10**6)
                for table in (name for name in tables if name != "people"):
                    expected, actual = of_data(tables[table], person), of_kept(answer, table)
                    compared += 1
                    assert actual <= expected, (person, reason, table)
                    happened = TABLES[table].happened or ""
                    assert newest(actual, happened) == newest(expected, happened), (person, reason, table)
                    whole += actual == expected
                assert {each.name for each in answer.tables} <= {
                    *tables,
                    *(("employees", "positions") if "people" in tables else ()),
                }
    assert compared > 30 and whole > compared / 3


@pytest.mark.slow
def test_the_giver_is_not_shown_to_the_receiver_and_their_manager(company_of_500: Simulated, project: Project) -> None:
    compared = 0
    for row in company_of_500.rows["attrition"]:
        reasons = [
            each["evidence"] for each in row["reasons"] or () if each["values"] and "feedback" in each["evidence"]
        ]
        if not reasons or compared > 3:
            continue
        person = row["employee_id"]
        for reader in ("employee", "manager"):
            answer = rows_behind_kept(
                company_of_500.home, person, reasons[0], model="attrition", reading=RecordReading(reader=reader)
            )
            assert all("counterpart_id" not in each.values for table in answer.tables for each in table.rows)
            shown = project.rows_behind(person, reasons[0], company_of_500.data, model="attrition", reader=reader)
            for frame in shown.values():
                assert set(frame.get("counterpart_id", pd.Series(dtype=object)).dropna()) <= {person}
                assert set(frame.get("employee_id", pd.Series(dtype=object)).dropna()) <= {person}
        compared += 1
    assert compared > 0


def test_rows_of_the_data_are_shown_without_others() -> None:
    rows = pd.DataFrame(
        {
            "employee_id": ["e1", "e2"],
            "happened_at": pd.to_datetime(["2026-09-01 10:31:07", "2026-09-02 08:00:00"]),
            "kind": ["feedback_received", "praise"],
            "counterpart_id": ["e2", "e1"],
            "event_id": ["v1", "v2"],
        }
    )
    shown = without_others(rows, TABLES["events"], "e1").to_dict("records")
    assert shown == [
        {
            "employee_id": "e1",
            "happened_at": pd.Timestamp("2026-09-01 10:31:07"),
            "kind": "feedback_received",
            "counterpart_id": None,
            "event_id": "v1",
        },
        {
            "employee_id": None,
            "happened_at": pd.Timestamp("2026-09-02"),
            "kind": "praise",
            "counterpart_id": "e1",
            "event_id": None,
        },
    ]


@pytest.mark.parametrize(
    ("trace", "expected"),
    [
        ({}, ["e", "d", "c", "b", "a"]),
        ({"valued": True}, ["d", "c", "b", "a"]),
        ({"valued": True, "last": 2}, ["d", "c"]),
        ({"last_days": 2}, ["e", "d", "c", "b"]),
    ],
)
def test_of_the_last_events_and_of_the_last_days_no_more_are_shown(trace: dict[str, int], expected: list[str]) -> None:
    """Five calls on three days; the last one has no value, and a mail of the last day is no call."""
    moments = {"a": "2026-01-01 09:00", "b": "2026-02-01 09:00", "c": "2026-02-01 15:00", "d": "2026-02-02 08:00"}
    calls = [
        {"employee_id": "ana", "kind": "call", "happened_at": moment, "value": "1.5", "event_id": name}
        for name, moment in moments.items()
    ]
    calls.append({"employee_id": "ana", "kind": "call", "happened_at": "2026-02-02 09:00", "event_id": "e"})
    mail = {"employee_id": "ana", "kind": "mail", "happened_at": "2026-02-02 10:00", "value": "9", "event_id": "f"}
    rows = [
        KeptRow(table="events", day=day, known=day, values=values)
        for values in reversed([*calls, mail])
        if (day := dt.date.fromisoformat(values["happened_at"][:10]))
    ]
    title = Bilingual(zh="日志", en="log")
    log = KeptTable(
        title=title, columns=(), key=("event_id",), owner="employee_id", happened="happened_at", shown_to=("hr",)
    )
    record = StandingRecord(
        employee_id="ana",
        as_of=dt.date(2026, 3, 1),
        contents=RecordContents(tables={"events": log}),
        rows=tuple(rows),
    )
    events = EventTrace(own=KindSet(kinds=("call",)), days=91, **trace)
    counted = [row.values["event_id"] for row in traced(record, ColumnTrace(events=(events,)), column="calls")]
    assert counted == expected
