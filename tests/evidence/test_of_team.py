"""What the rest of a team has in a column: the same as counted person by person, whatever became known late."""

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from random import Random

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from perfml.errors import DataError, DefinitionError
from perfml.evidence import features
from perfml.evidence.behind import rows_behind
from perfml.evidence.check import refused
from perfml.evidence.comparison import SMALLEST_GROUP, of_others
from perfml.evidence.engines import duckdb as engine
from tests.evidence.naive import Event, ValidityIntervals
from tests.tables import difference, evidence, opened, windowed, write_tables

MONDAY = dt.date(2025, 6, 2)
LONG = {
    "measure": "count",
    "kinds": ["sick_leave"],
    "where": "value >= 10",
    "windows_days": [28, 182],
    "column": "long_{window}d",
    "team": ["sum", "share"],
    "en": "long sick leaves in the last {window} days",
}
DAYS = LONG | {"measure": "sum", "column": "days_{window}d", "where": "value >= 0.5", "team": ["sum"]}
ALL = LONG | {"kinds": "all", "column": "any_{window}d", "where": "coalesce(value, 0) < 10", "compare": ["team"]}
MET = LONG | {"kinds": "all", "column": "met_{window}d", "where": "counterpart_id = 'e0'", "side": "received"}
DEFINITIONS = windowed(LONG, DAYS, ALL, MET)
PEOPLE = [f"e{number}" for number in range(11)]


@dataclass(frozen=True)
class Move:
    """A row of ``positions``."""

    who: str
    effective: dt.date
    manager: str
    known: dt.date

    def held(self, as_of: dt.date) -> bool:
        """Whether it had taken effect and was known before the as-of date."""
        return self.effective < as_of and self.known < as_of


@dataclass(frozen=True)
class Company:
    log: Sequence[Event]
    moves: Sequence[Move]
    exits: dict[str, tuple[dt.date, dt.date]]
    """Who left -> the last day, and the day on which that was known."""

    def write(self, folder: Path) -> Path:
        rows = [event.row() for event in self.log] or [Event("", MONDAY_NOON, "").row()]
        return write_tables(
            folder,
            employees=pd.DataFrame([{"employee_id": who, "hired_on": "2020-01-01"} for who in PEOPLE]),
            positions=pd.DataFrame(
                [
                    {"employee_id": m.who, "effective_on": m.effective, "manager_id": m.manager, "known_at": m.known}
                    for m in self.moves
                ]
            ),
            exits=pd.DataFrame(
                [(who, *days, "other") for who, days in self.exits.items()],
                columns=["employee_id", "exited_on", "known_at", "kind"],
            ),
            events=pd.DataFrame(rows)[: len(self.log)],
        )

    def manager(self, who: str, as_of: dt.date) -> str:
        """The manager as known at the as-of date; of several rows for one day the one known last holds."""
        held = [move for move in self.moves if move.who == who and move.held(as_of)]
        return max(held, key=lambda move: (move.effective, move.known)).manager if held else ""

    def others(self, who: str, as_of: dt.date) -> list[str]:
        """The rest of the team among those employed."""
        employed = [p for p in PEOPLE if p not in self.exits or not all(day < as_of for day in self.exits[p])]
        manager = self.manager(who, as_of)
        return [p for p in employed if p != who and manager and self.manager(p, as_of) == manager]

    def events_of(self, who: str, as_of: dt.date, days: int) -> list[Event]:
        return ValidityIntervals.of(self.log, who, as_of, {}).rows("own", None, days)

    def expected(self, column: str, who: str, as_of: dt.date) -> float:
        """The value of ``column``, person by person and row by row."""
        name, window, _, summary = column.split("_")
        others = self.others(who, as_of)
        if len(others) < SMALLEST_GROUP:
            return math.nan
        values = [self.value(name, other, as_of, int(window.removesuffix("d"))) for other in others]
        return sum(value > 0 for value in values) / len(others) if summary == "share" else float(sum(values))

    def value(self, name: str, who: str, as_of: dt.date, days: int) -> Fraction:
        if name == "met":
            received = ValidityIntervals.of(self.log, who, as_of, {}).rows("received", None, days)
            return Fraction(len(received) if who == "e0" else 0)
        rows = [(event.kind, Fraction(event.value or 0)) for event in self.events_of(who, as_of, days)]
        if name == "any":
            return Fraction(sum(value < 10 for _, value in rows))
        ill = [value for kind, value in rows if kind == "sick_leave"]
        if name == "days":
            return sum((value for value in ill if value >= Fraction(1, 2)), Fraction())
        return Fraction(sum(value >= 10 for value in ill))


MONDAY_NOON = dt.datetime(2025, 6, 2, 12)
COLUMNS = [
    f"{name}_{window}d_team_{summary}"
    for name in ("long", "days", "any", "met")
    for window in (28, 182)
    for summary in ("sum", "share")
    if (name, summary) != ("days", "share")
]
AS_OFS = [MONDAY - dt.timedelta(days=days) for days in (0, 1, 28, 100)]


def company(seed: int) -> Company:
    """Leaves, corrections of them, moves between three managers and exits, many on or beside an as-of date or known late."""
    rng = Random(seed)

    def day(low: int = -260) -> dt.date:
        near = rng.choice(AS_OFS) - dt.timedelta(days=rng.choice((0, 28, 182)) + rng.choice((-1, 0, 1)))
        return near if rng.random() < 0.5 else MONDAY + dt.timedelta(days=rng.randint(low, 5))

    def at(date: dt.date, hour: int = 12) -> dt.datetime:
        return dt.datetime.combine(date, dt.time(hour))

    log: list[Event] = []
    for number in range(60):
        kind = rng.choice(("sick_leave", "sick_leave", "login"))
        value = rng.choice(("", "0.1", "0.5", "9.99", "10", "12.3"))
        event = Event(rng.choice(PEOPLE), at(day()), kind, value, rng.choice(("", "e0")), f"v{number}")
        log.append(event)
        if rng.random() < 0.4:
            known = at(max(event.happened.date() + dt.timedelta(days=rng.randint(1, 90)), day()), 13)
            corrected = rng.choice(("1", "20"))
            log.append(Event(event.who, event.happened, kind, corrected, event.whom, f"v{number}", known))
    if rng.random() < 0.5:
        log += [Event(rng.choice(PEOPLE), at(day()), "sick_leave", "15", "", "", at(day(-30), 14)) for _ in range(10)]
    late = [event for event in log if event.known >= event.happened]
    first = [Move(who, dt.date(2020, 1, 1), rng.choice("ab"), dt.date(2020, 1, 1)) for who in PEOPLE[:-1]]
    moves = [Move(rng.choice(PEOPLE), day(), rng.choice("abc"), day()) for _ in range(8)]
    unique = {(move.who, move.effective, move.known): move for move in (*first, *moves)}
    exits = {who: (day(), day()) for who in rng.sample(PEOPLE, 2)}
    return Company(late, [*unique.values()], exits)


def agrees(frame: pd.DataFrame, firm: Company, as_of: dt.date) -> int:
    """Assert that every value is the one expected; return how many are known and not zero."""
    rows = frame[frame["as_of"] == pd.Timestamp(as_of)].set_index("employee_id")
    counted = 0
    for who in rows.index:
        for column in COLUMNS:
            value, expected = rows.at[who, column], firm.expected(column, who, as_of)
            assert value == expected or (math.isnan(value) and math.isnan(expected)), (
                f"{column} of {who} at {as_of}: {value}, person by person {expected}"
            )
            counted += value > 0
    return counted


@pytest.mark.slow
@settings(max_examples=15, phases=[Phase.generate])
@given(st.integers(0, 2**32 - 1))
def test_it_agrees_with_counting_person_by_person(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    firm = company(seed)
    built = evidence(firm.write(tmp_path_factory.mktemp("firm")), DEFINITIONS, AS_OFS)
    assert sum(agrees(built.frame, firm, as_of) for as_of in AS_OFS)


@pytest.mark.slow
def test_dates_and_batches_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = company(5).write(tmp_path)
    whole = evidence(folder, DEFINITIONS, AS_OFS)
    for as_of in AS_OFS:
        alone = evidence(folder, DEFINITIONS, [as_of]).frame
        among = whole.frame[whole.frame["as_of"] == pd.Timestamp(as_of)].reset_index(drop=True)
        pd.testing.assert_frame_equal(alone, among[alone.columns], check_exact=True)
    monkeypatch.setattr(engine, "BATCH_BYTES", 1)
    assert difference(whole, evidence(folder, DEFINITIONS, AS_OFS)) == ""


@pytest.mark.slow
def test_the_future_changes_nothing(tmp_path: Path) -> None:
    """Leaves, moves and exits that happen or become known on the as-of date or later."""
    firm = company(7)
    known = Company(
        [event for event in firm.log if max(event.known, event.happened).date() < MONDAY],
        [move for move in firm.moves if move.held(MONDAY)],
        {who: days for who, days in firm.exits.items() if all(day < MONDAY for day in days)},
    )
    assert len(known.log) < len(firm.log) and len(known.moves) < len(firm.moves)
    frames = [
        evidence(each.write(tmp_path / name), DEFINITIONS, [MONDAY]).frame
        for name, each in {"all": firm, "known": known}.items()
    ]
    pd.testing.assert_frame_equal(*(frame[["employee_id", *COLUMNS]] for frame in frames), check_exact=True)


@pytest.mark.slow
def test_columns_have_words_and_a_reason_of_their_own(tmp_path: Path) -> None:
    built = evidence(company(5).write(tmp_path), DEFINITIONS, [MONDAY])
    columns = {column.name: column for column in built.columns}
    share = columns["long_182d_team_share"]
    assert share.en == "long sick leaves in the last 182 days, share of the rest of the team with any"
    assert (share.unit, share.owner, share.reason, share.reach_days) == ("share", "manager", "log:team", 182)
    assert columns["any_182d_team_z"].relation == "team" and share.relation is None


@pytest.mark.slow
def test_the_rows_of_others_are_not_shown_behind_it(tmp_path: Path) -> None:
    folder = company(5).write(tmp_path)
    built = evidence(folder, DEFINITIONS, [MONDAY])
    shown = {}
    with opened(folder) as data:
        for column in built.columns:
            if column.name in ("long_182d", "long_182d_team_sum"):
                shown[column.name] = [
                    rows_behind(data, DEFINITIONS, column, employee_id=who, as_of=MONDAY, kinds=built.kinds)
                    for who in built.frame["employee_id"]
                ]
    assert [len(tables.get("events", ())) for tables in shown["long_182d"]] == built.frame["long_182d"].tolist()
    assert sum(built.frame["long_182d"]) > 0 and not any(shown["long_182d_team_sum"])


def test_too_few_others_are_missing_and_the_digits_are_exact() -> None:
    groups = np.array([0, 0, 0, 0, 1, 1, 1, -1])
    values = np.array([0.1, 0.2, 0.0, 0.3, 5, 5, 5, 5])
    assert of_others(values, groups, "sum", decimals=1).tolist()[:4] == [0.5, 0.4, 0.6, 0.3]
    assert of_others(values, groups, "share", decimals=1).tolist()[:4] == [2 / 3, 2 / 3, 1, 2 / 3]
    assert np.isnan(of_others(values, groups, "sum", decimals=1)[4:]).all()
    missing = np.where(np.arange(8) == 3, np.nan, values)
    assert np.isnan(of_others(missing, groups, "share", decimals=0)).all(), "one without a value is no other"
    with pytest.raises(DataError, match="the values of one team add up past 64 bits"):
        of_others(np.full(4, 9e12), np.zeros(4, np.int64), "sum", decimals=6)


@pytest.mark.parametrize(
    ("where", "problem"),
    [
        ("hours >= 10", "'hours' is no fact of an event; use one of: kind, value"),
        ("value >=", "'value >=' is not SQL"),
        ("kind > 10", "'kind > 10' does not run"),
    ],
)
def test_a_condition_that_cannot_be_used_is_refused(where: str, problem: str, tmp_path: Path) -> None:
    definitions = windowed(LONG | {"where": where})
    (error,) = refused(definitions)
    assert problem in str(error) and str(error).startswith("features/log.toml [measures.0].where")
    with pytest.raises(DefinitionError):
        evidence(company(5).write(tmp_path), definitions, [MONDAY])


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        ({"measure": "distinct_counterparts", "team": [], "side": "either"}, "where chooses events"),
        ({"measure": "active_days"}, "team is for the measures count and sum"),
        ({"measure": "sum"}, 'needs measure = "count"'),
    ],
)
def test_keys_that_do_not_fit_together(key: dict[str, object], problem: str) -> None:
    with pytest.raises(DefinitionError, match="do not fit together") as error:
        windowed(LONG | key)
    assert problem in str(error.value)


@pytest.mark.slow
def test_a_condition_that_gives_no_answer_is_not_met(tmp_path: Path) -> None:
    definitions = windowed(LONG | {"where": "kind::int > 3"})
    assert evidence(company(5).write(tmp_path), definitions, [MONDAY]).frame["long_182d"].eq(0).all()


@pytest.mark.slow
def test_nothing_else_changes(tmp_path: Path) -> None:
    """A condition adds columns and leaves every other one alone."""
    folder = company(5).write(tmp_path)
    plain = {"measure": "count", "kinds": "each", "column": "{kind}_{window}", "windows_days": [28, 182]}
    data = opened(folder)
    before, after = (features.build(data, windowed(*each), AS_OFS) for each in ([plain], [plain, LONG, MET]))
    data.close()
    pd.testing.assert_frame_equal(before.frame, after.frame[before.frame.columns], check_exact=True)
