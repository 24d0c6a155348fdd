"""The feedback network as figures of groups, and whoever is outside it, for the people who can help."""

from __future__ import annotations

import datetime as dt
from collections.abc import Set
from pathlib import Path

from perfml.disclosure.primary import Suppression
from perfml.messages import Message
from perfml.network.record import (
    GroupNetwork,
    LevelDirection,
    NetworkFigures,
    OutsideKind,
    kept_network,
    network_file,
    network_people,
)
from perfml.service.answers.shared import Answer, IsoDate, PageAnswer, PageCursor, PageLimit, PeopleQuery, TextAnswer
from perfml.service.paging import ListVersion
from perfml.service.problems import NotFound
from perfml.service.store import Store


class NetworkCellAnswer(Answer):
    """Contacts from one department to another, or within one."""

    giver: str
    receiver: str
    contacts: int | None
    """Days of contact of two people, without those between somebody and who leads them; null where withheld."""
    withheld: Suppression | None


class UnitGapAnswer(Answer):
    """Two units that never speak, or of which one only gives."""

    by: str
    """department, manager_id (teams) or location."""
    kind: str
    """silent, or one way."""
    first: str
    second: str
    ties: int
    """Pairs of people with a contact."""
    expected: float
    """What the sizes and activity of both would give by chance."""
    text: TextAnswer


class UnitsComparedAnswer(Answer):
    """How many pairs of units a silence of which would differ from chance."""

    by: str
    units: int
    pairs: int
    testable: int


class LevelFlowAnswer(Answer):
    """Recognition up, within a level, or down."""

    direction: LevelDirection
    contacts: int | None
    expected: float | None
    """If levels played no part."""
    withheld: Suppression | None


class GroupNetworkAnswer(Answer):
    """People of a department or a team; figures are null where they are withheld."""

    group: str | None
    """The department, or who leads the team."""
    people: int
    outside: int | None
    """Who had no feedback or recognition with anybody but who leads them."""
    outside_withheld: Suppression | None
    beyond_team: int | None
    """Who had contact with somebody of another team."""
    beyond_withheld: Suppression | None


class NetworkAnswer(Answer):
    """The network at one date, without anybody."""

    as_of: dt.date
    days: int
    """Days of the log behind what is said of people."""
    unit_days: int
    """Days behind what is said of units."""
    judged: int
    """People with so much time at work that being outside would be told."""
    streets: int | None
    """Pairs of people of whom one gives and the other never returns; null where withheld."""
    cells: tuple[NetworkCellAnswer, ...]
    gaps: tuple[UnitGapAnswer, ...]
    compared: tuple[UnitsComparedAnswer, ...]
    levels: tuple[LevelFlowAnswer, ...]
    departments: tuple[GroupNetworkAnswer, ...]
    notices: tuple[TextAnswer, ...]


class NetworkQuery(PeopleQuery):
    """At which date, and of whom."""

    as_of: IsoDate | None = None
    """YYYY-MM-DD; the newest date when absent."""


class OutsideAnswer(Answer):
    """Somebody outside the network."""

    employee_id: str
    department: str | None
    manager_id: str | None
    outside: OutsideKind
    """nobody, or manager only."""
    text: TextAnswer


class OutsidePageAnswer(PageAnswer):
    """One page of people outside the network, by id: a reason for a talk, and no fault of theirs."""

    as_of: dt.date
    days: int
    people: tuple[OutsideAnswer, ...]


class OutsideQuery(NetworkQuery):
    """Which page."""

    limit: PageLimit = 50
    cursor: PageCursor | None = None
    """From ``next`` of the page before; the first page when absent."""


class TeamNetworksAnswer(Answer):
    """Teams whose people the asker may see, all of them."""

    as_of: dt.date
    days: int
    teams: tuple[GroupNetworkAnswer, ...]


def network(store: Store, query: NetworkQuery, *, reach: Set[str] | None = None) -> NetworkAnswer:
    """Figures of groups. Of whom somebody sees a part, they see what concerns departments that they see as a whole.

    Raises :class:`NotFound` where nothing was looked at.
    """
    day, path, figures = _read(store, query.as_of)
    people = network_people(path)
    hidden = {row.department for row in people if not query.selects_row(row, reach)}
    shown = {row.department for row in people} - hidden
    teams = {row.manager_id for row in people} - {row.manager_id for row in people if not query.selects_row(row, reach)}
    whole = not hidden
    units = {"department": shown, "manager_id": teams}
    return NetworkAnswer(
        as_of=day,
        days=figures.days,
        unit_days=figures.unit_days,
        judged=figures.judged,
        streets=figures.streets if whole else None,
        cells=tuple(
            NetworkCellAnswer(**vars(each)) for each in figures.cells if {each.giver, each.receiver} & shown or whole
        ),
        gaps=tuple(
            UnitGapAnswer(**vars(each), text=TextAnswer.of(each.text))
            for each in figures.gaps
            if whole or {each.first, each.second} & units.get(each.by, set())
        ),
        compared=tuple(UnitsComparedAnswer(**vars(each)) for each in figures.compared),
        levels=tuple(LevelFlowAnswer(**vars(each)) for each in figures.levels) if whole else (),
        departments=tuple(group_answer(each) for each in figures.departments if whole or each.group in shown),
        notices=tuple(TextAnswer.of(each) for each in figures.notices),
    )


def outside_people(store: Store, query: OutsideQuery, *, reach: Set[str] | None = None) -> OutsidePageAnswer:
    """Whoever is outside, of the people within ``reach`` (default: everyone). Raises :class:`NotFound`."""
    day, path, figures = _read(store, query.as_of)
    own = [(at, row) for at, row in enumerate(network_people(path)) if row.outside and query.selects_row(row, reach)]
    parameters = query.model_dump(exclude={"as_of", "limit", "cursor"}, exclude_defaults=True)
    version = f"{path.stat().st_mtime_ns:x}"
    whole = ListVersion(
        address="/v1/feedback-network/outside", parameters={"as_of": day, **parameters}, version=version
    )
    page = whole.page(own, lambda each: each[0], limit=query.limit, cursor=query.cursor)
    return OutsidePageAnswer(
        as_of=day,
        days=figures.days,
        people=tuple(
            OutsideAnswer(
                employee_id=row.employee_id,
                department=row.department,
                manager_id=row.manager_id,
                outside=row.outside or "nobody",
                text=TextAnswer.of(row.text(figures.days)),
            )
            for _, row in page.rows
        ),
        total=page.total,
        limit=page.limit,
        next=page.next,
    )


def team_networks(store: Store, query: NetworkQuery, *, reach: Set[str] | None = None) -> TeamNetworksAnswer:
    """Teams of which everybody lies within ``reach``. Raises :class:`NotFound`."""
    day, path, figures = _read(store, query.as_of)
    people = network_people(path)
    hidden = {row.manager_id for row in people if not query.selects_row(row, reach)}
    teams = tuple(group_answer(each) for each in figures.teams if each.group not in hidden)
    return TeamNetworksAnswer(as_of=day, days=figures.days, teams=teams)


def group_answer(group: GroupNetwork) -> GroupNetworkAnswer:
    """One group as it is shown."""
    return GroupNetworkAnswer(**vars(group))


def _read(store: Store, as_of: dt.date | None) -> tuple[dt.date, Path, NetworkFigures]:
    file = network_file(store.home, as_of)
    if file is None:
        remedy = Message.of("service_make_network")
        raise NotFound(Message.of("service_no_network"), where="as_of", remedy=remedy)
    return *file, kept_network(file[1])
