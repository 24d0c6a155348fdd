"""The one pass over the log gives, to the last bit, what one gets row by row; and evidence is written whole."""

import datetime as dt
import math
import time
from itertools import product
from pathlib import Path
from random import Random

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from perfml.errors import DataError, DefinitionError
from perfml.evidence import features
from perfml.evidence.engines import duckdb as engine
from perfml.messages import render
from perfml.project.feature_spec import RelationalSpec
from perfml.project.folder import Definitions, RelationalFile
from perfml.project.spec import parse
from tests.evidence.naive import Event, ValidityIntervals
from tests.tables import difference, evidence, opened, shipped, windowed, write_tables

MONDAY = dt.date(2025, 6, 2)
KINDS = ("login", "praise", "代码评审", 'say "hi"', "it's; --")
WINDOWS = (1, 7, 28, 63, 64, 91, 127, 364)
COUNTED = ("count", "sum", "active_days", "active_weeks")
MET = [("distinct_counterparts", side) for side in ("own", "received", "either")] + [
    ("mutual_counterparts", "own"),
    ("reciprocity", "own"),
    ("cross_department_share", "own"),
    ("cross_department_share", "received"),
    ("cross_department_share", "either"),
]
AS_OFS = {
    "one": [MONDAY],
    "weekly": [MONDAY - dt.timedelta(weeks=i) for i in range(6)],
    "days": [MONDAY - dt.timedelta(days=i) for i in range(4)],
    "63 days": [MONDAY - dt.timedelta(days=63 * i) for i in range(4)],
    "far apart": [MONDAY - dt.timedelta(days=i) for i in (0, 64, 190, 400)],
}
Column = tuple[str, dict[str, object]]


def columns() -> dict[str, Column]:
    """Name of column -> measure and arguments for the oracle."""
    declared: dict[str, Column] = {}
    for side in ("own", "received"):
        for kinds in (None, ("praise", 'say "hi"')):
            tag = f"{side}_{'some' if kinds else 'all'}"
            for window in WINDOWS:
                for measure in COUNTED:
                    declared[f"{measure}_{tag}_{window}"] = (measure, {"side": side, "kinds": kinds, "days": window})
                declared[f"since_{tag}_{window}"] = ("days_since_last", {"side": side, "kinds": kinds, "days": window})
            for measure, window, last in product(("mean", "lowest", "highest"), (7, 364), (0, 1, 3, 10)):
                arguments = {"side": side, "kinds": kinds, "days": window, "last": last}
                declared[f"{measure}_{tag}_{window}_{last}"] = (measure, arguments)
            for window, last in product((7, 364), (1, 3, 10)):
                arguments = {"side": side, "kinds": kinds, "days": window, "last": last}
                declared[f"since_day_{tag}_{window}_{last}"] = ("days_since_active_day", arguments)
            declared[f"since_{tag}"] = ("days_since_last", {"side": side, "kinds": kinds})
            for measure in ("trend", "own_past"):
                declared[f"{measure}_{tag}_28"] = (measure, {"side": side, "kinds": kinds, "days": 28, "past": 112})
    for measure, side in MET:
        for kinds in (None, ("praise", "代码评审")):
            for window in (7, 91, 364):
                name = f"{measure}_{side}_{'some' if kinds else 'all'}_{window}"
                declared[name] = (measure, {"side": side, "kinds": kinds, "days": window})
    return declared


def as_definition(name: str, column: Column) -> dict[str, object]:
    measure, definition = column
    days = [definition[key] for key in ("days", "past") if key in definition]
    kinds = definition["kinds"] and list(definition["kinds"])
    name = name.removesuffix("28") + "{window}" if len(days) > 1 else name
    return {
        "column": name,
        "measure": measure,
        "side": definition["side"],
        "kinds": kinds or "all",
        "windows_days": days,
        "last_events": [definition["last"]] if definition.get("last") else [],
    }


COLUMNS = columns()
DEFINITIONS = windowed(*(as_definition(name, column) for name, column in COLUMNS.items()))
PEOPLE = [f"e{i}" for i in range(7)] + ["员工"]


@st.composite
def logs(draw: st.DrawFn) -> tuple[list[Event], list[dt.date]]:
    """A log with late, corrected and boundary rows, and the as-of dates to ask it at."""
    rng = Random(draw(st.integers(0, 2**32 - 1), label="seed"))
    as_ofs = AS_OFS[draw(st.sampled_from(sorted(AS_OFS)), label="as_ofs")]
    edges = [(as_of - dt.timedelta(days=window)) for as_of in as_ofs for window in (0, *WINDOWS)]

    def moment(low: int = -480) -> dt.datetime:
        day = rng.choice(edges) + dt.timedelta(days=rng.choice((-1, 0, 1)))
        if rng.random() < 0.6:
            day = MONDAY + dt.timedelta(days=rng.randint(low, 20))
        return dt.datetime.combine(day, rng.choice((dt.time(), dt.time(12), dt.time(23, 59, 59))))

    log = []
    for number in range(rng.choice((0, 5, 150))):
        event = Event(
            who=rng.choice(PEOPLE),
            happened=moment(),
            kind=rng.choice(KINDS),
            value=rng.choice(
                ("", "0.01", "-0.07", "999999999.99", "-999999999.99", f"{rng.randint(-99999, 99999) / 100}")
            ),
            whom=rng.choice((*PEOPLE, "outsider", "visitor", "", "")),
            event_id=rng.choice(("", f"v{number}")),
            known_at=rng.choice((None, None, moment(-60))),
        )
        log.append(event)
        for again in range(rng.choice((0, 0, 1, 2)) if event.event_id else 0):
            known = event.known + dt.timedelta(days=rng.randint(0, 200), seconds=again + 1)
            kind, whom = rng.choice(((event.kind, event.whom), (rng.choice(KINDS), rng.choice(PEOPLE))))
            log.append(Event(rng.choice((event.who, "e0")), event.happened, kind, "1.5", whom, event.event_id, known))
    return [event for event in log if event.known.date() < dt.date(2026, 12, 31)], as_ofs


DEPARTMENTS = {**{f"e{i}": ("sales", "研发")[i % 2] for i in range(6)}, "员工": "sales"}
"""Of e6 the department is not known."""


def company(folder: Path, log: list[Event]) -> Path:
    rows = pd.DataFrame([event.row() for event in log] or [Event("", dt.datetime(2025, 1, 1), "").row()], dtype=str)
    return write_tables(
        folder,
        employees=pd.DataFrame([{"employee_id": person, "hired_on": "2020-01-01"} for person in PEOPLE]),
        positions=pd.DataFrame(
            [
                {"employee_id": person, "effective_on": "2020-01-01", "department": name}
                for person, name in DEPARTMENTS.items()
            ]
        ),
        events=rows if log else rows[:0],
    )


def agree(frame: pd.DataFrame, log: list[Event], as_ofs: list[dt.date], wanted: dict[str, Column]) -> None:
    actual = frame.set_index(["employee_id", "as_of"])
    for as_of in as_ofs:
        for person in PEOPLE:
            known = ValidityIntervals.of(log, person, as_of, DEPARTMENTS)
            row = actual.loc[(person, pd.Timestamp(as_of))]
            for name, (measure, definition) in wanted.items():
                if name not in actual.columns:
                    assert not {event.kind for event in known.events} & set(definition["kinds"] or KINDS)
                    continue
                expected = known.measure(measure, **definition)
                assert row[name] == expected or (math.isnan(row[name]) and math.isnan(expected)), (
                    f"{name} of {person} at {as_of}: {row[name]}, row by row {expected}"
                )


@settings(max_examples=11, phases=[Phase.generate])
@given(logs())
@pytest.mark.slow
def test_the_one_pass_agrees_with_row_by_row(
    tmp_path_factory: pytest.TempPathFactory, case: tuple[list[Event], list[dt.date]]
) -> None:
    log, as_ofs = case
    folder = company(tmp_path_factory.mktemp("log"), log)
    frame = evidence(folder, DEFINITIONS, as_ofs).frame
    assert len(frame) == len(PEOPLE) * len(set(as_ofs))
    agree(frame, log, as_ofs, COLUMNS)


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of 400 events over a year."""
    rng = Random(5)
    log = [
        Event(
            rng.choice(PEOPLE), dt.datetime(2025, 6, 1) - dt.timedelta(hours=rng.randrange(9000)), rng.choice(KINDS),
            "0.1", rng.choice(PEOPLE), "", None if rng.random() < 0.8 else dt.datetime(2025, 5, rng.randint(1, 31)),
        )
        for _ in range(400)
    ]  # fmt: skip
    return company(tmp_path_factory.mktemp("busy"), log)


@pytest.mark.slow
@pytest.mark.parametrize("bytes_", [1, 60_000])
def test_batches_change_nothing(bytes_: int, busy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = evidence(busy, shipped(), AS_OFS["weekly"])
    steps = []
    monkeypatch.setattr(engine, "BATCH_BYTES", bytes_)
    data = opened(busy)
    parts = features.build(
        data, shipped(), AS_OFS["weekly"], progress=lambda what, done, total: steps.append((what, done))
    )
    data.close()
    assert len(whole.frame) == len(PEOPLE) * len(AS_OFS["weekly"])
    assert difference(whole, parts) == ""
    assert len([done for what, done in steps if what == "windows" and done]) > 1


@pytest.mark.slow
def test_more_as_of_dates_change_no_row(busy: Path) -> None:
    alone = evidence(busy, shipped(), [MONDAY]).frame
    among = evidence(busy, shipped(), [*AS_OFS["weekly"], *AS_OFS["far apart"]]).frame
    assert len(alone) == len(PEOPLE) and alone["events_count_91d"].sum() > 0 and len(among) > len(alone)
    pd.testing.assert_frame_equal(
        alone, among[among["as_of"] == pd.Timestamp(MONDAY)].reset_index(drop=True)[alone.columns]
    )


@pytest.mark.slow
def test_order_and_repetition_of_as_of_dates_do_not_matter(busy: Path) -> None:
    dates = AS_OFS["weekly"]
    once = evidence(busy, shipped(), dates)
    assert len(once.frame) == len(PEOPLE) * len(dates)
    assert difference(once, evidence(busy, shipped(), [*reversed(dates), *dates])) == ""


def test_sums_are_exact(tmp_path: Path) -> None:
    """Where floating-point sums lose the cent between two large values."""
    values = ["999999999.99", "0.01", "-999999999.99"] + ["0.1"] * 30
    log = [Event("e0", dt.datetime(2025, 6, 1), "pay", value) for value in values]
    definitions = windowed({"column": "total", "measure": "sum", "windows_days": [7]})
    frame = evidence(company(tmp_path, log), definitions, [MONDAY]).frame
    assert frame["total"].iloc[0] == 3.01 != sum(map(float, values))


@pytest.mark.slow
def test_a_sum_past_64_bits_is_said(tmp_path: Path) -> None:
    many = pd.DataFrame(
        {"employee_id": "e0", "happened_at": "2025-06-01", "kind": "pay", "value": "999999999"}, index=range(9300)
    )
    company(tmp_path, [])
    definitions = windowed({"column": "total", "measure": "sum", "windows_days": [7]})
    with pytest.raises(DataError, match=r"events\.value: .* past 64 bits.*; lower value_decimals"):
        evidence(write_tables(tmp_path, events=many), definitions, [MONDAY])


@pytest.mark.slow
def test_ten_thousand_kinds(tmp_path: Path) -> None:
    """Columns stay few, every event still counts, and the kinds that a definition names have their column."""
    company(tmp_path, [])
    rng = Random(3)
    rows = [
        {
            "employee_id": "e0",
            "happened_at": f"2025-05-{rng.randint(1, 28)}",
            "kind": f"kind {i} \"{i % 7}'",
            "value": "1",
        }
        for i in range(10_000)
        for _ in range(2 if i < 40 else 1)
    ]
    rows.append({"employee_id": "e1", "happened_at": "2025-05-01", "kind": "praise", "counterpart_id": "e0"})
    folder = write_tables(tmp_path, events=pd.DataFrame(rows, dtype=str).fillna(""))
    start = time.process_time()
    built = evidence(folder, shipped(), AS_OFS["weekly"])
    assert time.process_time() - start < 10
    assert len(built.columns) < 1000
    row = built.frame[built.frame["as_of"] == pd.Timestamp(MONDAY)].iloc[0]
    assert row["events_count_91d"] == 10_040
    assert row["praise_received_91d"] == 1
    each = [name for name in built.frame if name.startswith("kind_") and name.endswith("_count_91d")]
    assert len(each) == 40 and (built.frame[each].max() == 2).all()


def test_kinds_of_one_spelling_stay_apart(tmp_path: Path) -> None:
    kinds = {"a-b": 3, "a b": 2, "a_b": 1, "代码-评审": 4, "!": 5, "?": 6}
    log = [Event("e0", dt.datetime(2025, 6, 1), kind) for kind, times in kinds.items() for _ in range(times)]
    definitions = windowed({"column": "{kind}_n", "measure": "count", "kinds": "each", "windows_days": [7]})
    built = evidence(company(tmp_path, log), definitions, [MONDAY])
    assert sorted(built.frame.iloc[0, 2:].tolist()) == [1, 2, 3, 4, 5, 6]
    assert built.frame.iloc[0]["代码_评审_n"] == 4 and built.frame.iloc[0]["a_b_n"] == 3


@pytest.mark.slow
def test_kinds_may_be_given(busy: Path) -> None:
    """A model's own kinds have their columns, in whatever log."""
    data = opened(busy)
    built = features.build(data, shipped(), [MONDAY], kinds=["praise", "never_seen"])
    data.close()
    assert built.kinds == ("praise", "never_seen")
    assert built.frame["never_seen_count_91d"].eq(0).all() and built.frame["praise_count_91d"].sum() > 0
    assert "login_count_91d" not in built.frame
    assert built.frame["events_count_91d"].sum() > built.frame["praise_count_91d"].sum()


def test_no_events_at_all(tmp_path: Path) -> None:
    built = evidence(company(tmp_path, []), DEFINITIONS, [MONDAY])
    assert len(built.frame) == len(PEOPLE)
    agree(built.frame, [], [MONDAY], COLUMNS)


def notices(evidence: features.Evidence) -> list[str]:
    return [render(notice, "en") for notice in evidence.left_out]


def test_reviews_without_a_log(tmp_path: Path) -> None:
    company(tmp_path, [])
    (tmp_path / "events.csv").unlink()
    write_tables(
        tmp_path,
        reviews="review_id | employee_id | period_end | reviewed_on | rating\nr1 | e0 | 2025-01-01 | 2025-01-02 | 3",
    )
    built = evidence(tmp_path, shipped(), [MONDAY])
    assert built.frame["last_rating"].notna().sum() == 1 and "events_count_91d" not in built.frame
    assert "rhythm: there is no table events" in notices(built)


def test_columns_that_need_what_is_not_there_are_left_out_and_said(tmp_path: Path) -> None:
    write_tables(
        tmp_path,
        employees="employee_id | hired_on\ne1 | 2020-01-01",
        events="employee_id | happened_at | kind\ne1 | 2025-06-01 | login",
    )
    built = evidence(tmp_path, shipped(), [MONDAY])
    assert len(built.frame) == 1 and "reciprocity_91d" not in built.frame
    for notice in (
        "evidence of counterparts: events has no counterpart_id",
        "reviews: there is no table reviews",
        "comparison with team",
    ):
        assert any(line.startswith(notice) for line in notices(built)), notices(built)


@pytest.mark.slow
def test_every_column_is_declared_once_and_every_declared_one_is_there(busy: Path) -> None:
    built = evidence(busy, shipped(), [MONDAY])
    names = [column.name for column in built.columns]
    assert ["employee_id", "as_of", *names] == list(built.frame.columns) and len(set(names)) == len(names)
    assert all(column.zh and column.en and column.unit and column.reason for column in built.columns)
    assert all(built.frame[name].dtype == np.float64 for name in names)


def relational(
    sql: str, *columns: str, name: str = "extra", needs: tuple[str, ...] = ("people",), reads: tuple[str, ...] = ()
) -> RelationalFile:
    column = {"zh": "", "en": "", "unit": "", "owner": "company"}
    fields = {"zh": "", "en": "", "needs": needs, "reads": reads, "columns": {c: column for c in columns}}
    spec = parse(RelationalSpec, fields, file=name)
    return RelationalFile(name, f"features/{name}.sql", spec, sql)


@pytest.mark.parametrize("taken", ["events_n", "x"])
def test_two_files_may_not_make_one_column(taken: str, busy: Path) -> None:
    files = (
        relational("select employee_id, as_of, 1 as x from people", "x", name="a"),
        relational(f"select employee_id, as_of, 1 as {taken} from people", taken, name="b"),
    )
    log = windowed({"column": "events_n", "measure": "count", "windows_days": [7]}).windowed
    with pytest.raises(DefinitionError, match=rf"features/.*: column '{taken}' is made twice; rename one of them"):
        evidence(busy, Definitions(shipped().tables, log, files), [MONDAY])


def reading(sql: str, *columns: str, reads: tuple[str, ...] = ("x", "events_n")) -> Definitions:
    """A file that reads what a relational file and the log have made."""
    log = windowed({"column": "events_n", "measure": "count", "windows_days": [7]}).windowed
    files = (
        relational(sql, *columns, needs=("evidence",), reads=reads),
        relational("select employee_id, as_of, 2 as x from people", "x", name="z"),
    )
    return Definitions(shipped().tables, log, files)


@pytest.mark.slow
def test_a_file_may_read_what_others_made_batch_by_batch(busy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sql = "select employee_id, as_of, x + events_n as both_of_it from evidence where events_n > 0"
    results = []
    for most in (engine.BATCH_BYTES, 1):
        monkeypatch.setattr(engine, "BATCH_BYTES", most)
        results.append(evidence(busy, reading(sql, "both_of_it"), [MONDAY, MONDAY + dt.timedelta(days=7)]).frame)
    pd.testing.assert_frame_equal(*results)
    some = results[0]["events_n"] > 0
    assert some.any() and (~some).any()
    assert (results[0]["both_of_it"][some] == results[0]["events_n"][some] + 2).all() and results[0]["both_of_it"][
        ~some
    ].isna().all()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        (
            "select employee_id, as_of, x as y from evidence union all select employee_id, as_of, 1 from evidence",
            "several rows",
        ),
        ("select employee_id, as_of, days_in_level as y from evidence", "does not run"),
        ("select employee_id, as_of, 1 as y from reviews", "reads reviews|reads 'reviews'"),
    ],
)
def test_a_file_that_reads_what_it_may_not_is_refused(sql: str, problem: str, busy: Path) -> None:
    with pytest.raises(DefinitionError, match=problem):
        evidence(busy, reading(sql, "y"), [MONDAY])


@pytest.mark.slow
def test_a_file_that_reads_what_is_not_there_is_left_out(busy: Path) -> None:
    built = evidence(
        busy, reading("select employee_id, as_of, 1 as y from evidence", "y", reads=("x", "gone_n")), [MONDAY]
    )
    assert "y" not in built.frame and "extra: there is no column gone_n" in notices(built)


def test_a_feature_file_may_have_any_name(busy: Path) -> None:
    file = relational("select employee_id, as_of, 2 as x from people -- the last line", "x", name="my-own 特征")
    built = evidence(busy, Definitions(shipped().tables, (), (file,)), [MONDAY])
    assert built.frame["x"].tolist() == [2.0] * len(PEOPLE)


def test_nobody_employed_is_said(busy: Path) -> None:
    with pytest.raises(DataError, match="nobody was employed; choose later dates"):
        evidence(busy, shipped(), [dt.date(2019, 1, 1)])


@pytest.mark.slow
def test_what_is_written_can_be_read_and_is_whole(busy: Path, tmp_path: Path) -> None:
    data = opened(busy)
    rows = features.write(data, shipped(), [MONDAY], tmp_path / "a.parquet")
    built = features.read(tmp_path / "a.parquet")
    assert rows == len(built.frame) == len(PEOPLE)
    with pytest.raises(DataError):
        features.write(data, shipped(), [dt.date(2019, 1, 1)], tmp_path / "b.parquet")
    data.close()
    assert [path.name for path in tmp_path.iterdir()] == ["a.parquet"]
    assert difference(built, evidence(busy, shipped(), [MONDAY])) == ""


def test_feedback_logged_on_both_sides_is_one_act_of_the_giver(tmp_path: Path) -> None:
    """`feedback_received` stands with the one who received it: the counterpart did it."""
    folder = write_tables(
        tmp_path,
        employees="employee_id | hired_on\nana | 2020-01-01\nben | 2020-01-01",
        events="""
        employee_id | happened_at | kind | counterpart_id
        ana | 2025-06-01 | feedback_given | ben
        ben | 2025-06-01 | feedback_received | ana
        ana | 2025-06-01 | doc_edit | ana
        """,
    )
    frame = evidence(folder, shipped(), [dt.date(2025, 6, 10)]).frame.set_index("employee_id")
    names = [
        "counterparts_91d",
        "counterparts_reached_91d",
        "counterparts_reaching_91d",
        "reciprocity_91d",
        "received_count_91d",
    ]
    assert frame.loc["ana", names].tolist() == [1, 1, 0, 0, 0]
    assert frame.loc["ben", names].tolist() == [1, 0, 1, 0, 1]


def test_a_kind_called_like_a_column_keeps_its_evidence(tmp_path: Path) -> None:
    folder = write_tables(
        tmp_path,
        employees="employee_id | hired_on\nana | 2020-01-01",
        events="employee_id | happened_at | kind\nana | 2025-06-01 | events\nana | 2025-06-02 | other",
    )
    built = evidence(folder, shipped(), [dt.date(2025, 6, 10)])
    row = built.frame.iloc[0]
    assert row["events_count_91d"] == 2
    (named,) = (
        c.name for c in built.columns if c.reason_en == "events coded “events”" and c.name.endswith("_count_91d")
    )
    assert row[named] == 1


def test_the_record_begins_where_it_was_known_to(tmp_path: Path) -> None:
    folder = write_tables(
        tmp_path,
        employees="employee_id | hired_on\nana | 2020-01-01",
        events="""
        employee_id | happened_at | kind | known_at
        ana | 2025-03-01 | a |
        ana | 2025-01-01 | a | 2025-05-20
        """,
    )
    dates = [dt.date(2025, 3, 1), dt.date(2025, 5, 20), dt.date(2025, 5, 21)]
    assert evidence(folder, shipped(), dates).record_begins == {
        dt.date(2025, 5, 20): dt.date(2025, 3, 1),
        dt.date(2025, 5, 21): dt.date(2025, 1, 1),
    }
