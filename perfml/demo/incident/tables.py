"""The incident as tables of the input contract. Every row says when it became known, so that any as-of date can be replayed."""

from __future__ import annotations

import csv
import datetime as dt
import random
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Final

from perfml.demo.incident.parameters import CENT, Incident, Sale

ORDERS, CLOSING, SETTLED = "bi_orders", "bi_closing", "perf_settled"
"""The feed of orders, what its own closing of a day adds to it, and the feed of the performance system."""
METRIC, RETURNED, MOVED = "sales", "sales_returned", "sales_moved"
HEAD_OFFICE: Final = "Head office"

Rows = list[dict[str, str]]


def tables(incident: Incident) -> dict[str, Rows]:
    """The tables of the input contract, table → rows as text."""
    return {
        "employees": list(_employees(incident)),
        "positions": list(_positions(incident)),
        "reviews": list(_reviews(incident)),
        "goals": list(_goals(incident)),
        "progress": list(_progress(incident)),
        "facts": list(_facts(incident)),
        "deliveries": list(_deliveries(incident)),
    }


def write(incident: Incident, folder: Path, *, shuffled: random.Random | None = None) -> Path:
    """Write the tables as CSV into ``folder``, ``shuffled`` where a generator is given; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in tables(incident).items():
        if shuffled is not None:
            shuffled.shuffle(rows)
        write_csv(folder / f"{name}.csv", rows)
    return folder


def write_backfill(incident: Incident, folder: Path, *, shuffled: random.Random | None = None) -> dict[str, Path]:
    """Write the packets that were lost, one CSV file for each feed; return source → file. Rows say nothing of when they came."""
    folder.mkdir(parents=True, exist_ok=True)
    rows_of: dict[str, Rows] = {}
    for sale in incident.sales:
        if incident.is_lost(sale.office, sale.day):
            rows_of.setdefault(f"{SETTLED}/{sale.office}", []).extend(_settled(sale, None))
    files = {}
    for source, rows in rows_of.items():
        if shuffled is not None:
            shuffled.shuffle(rows)
        files[source] = folder / f"{source.replace('/', '-')}.csv"
        write_csv(files[source], [{name: row[name] for name in row if name != "known_at"} for row in rows])
    return files


def write_csv(path: Path, rows: Rows) -> None:
    """Write ``rows`` with the columns of the first."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def money(count: int) -> str:
    """Cents as an amount.

    >>> money(-19_200)
    '-192.00'
    """
    return str(count * CENT)


def _employees(incident: Incident) -> Iterator[dict[str, str]]:
    hired = incident.month.replace(year=incident.month.year - 3)
    for employee in ["Director", *map(leader_of, incident.offices), *_everyone(incident)]:
        yield {"employee_id": employee, "hired_on": str(hired)}


def _positions(incident: Incident) -> Iterator[dict[str, str]]:
    since = str(incident.month.replace(year=incident.month.year - 3))
    leaders = [("Director", ""), *((leader_of(office), "Director") for office in incident.offices)]
    for employee, manager in leaders:
        yield position_row(employee, since, manager=manager, location=HEAD_OFFICE, family="management")
    for office in incident.offices:
        for employee in incident.staff(office):
            yield position_row(employee, since, manager=leader_of(office), location=office, family="sales")


def position_row(employee: str, since: str, *, manager: str, location: str, family: str) -> dict[str, str]:
    """Where somebody works."""
    return {
        "employee_id": employee,
        "effective_on": since,
        "manager_id": manager,
        "department": location,
        "role_family": family,
        "location": location,
    }


def _reviews(incident: Incident) -> Iterator[dict[str, str]]:
    day = incident.month - dt.timedelta(days=45)
    for employee in _everyone(incident):
        office = employee.rsplit("-", 1)[0]
        yield {
            "review_id": f"R-{employee}",
            "employee_id": employee,
            "reviewer_id": leader_of(office),
            "period_end": str(day),
            "reviewed_on": str(day),
            "rating": "3",
        }


def _goals(incident: Incident) -> Iterator[dict[str, str]]:
    set_on = incident.month - dt.timedelta(days=1)
    for employee in _everyone(incident):
        yield goal_row(incident, employee, effective=set_on, target=incident.target, version=1)
        if employee in incident.rebased and incident.version_2_on is not None:
            target = incident.rebased[employee]
            yield goal_row(incident, employee, effective=incident.version_2_on, target=target, version=2)


def goal_row(incident: Incident, employee: str, *, effective: dt.date, target: Decimal, version: int) -> dict[str, str]:
    """The goal of the month of ``incident``."""
    return {
        "goal_id": f"G-{employee}",
        "employee_id": employee,
        "metric": METRIC,
        "core": "true",
        "weight": "100",
        "target": str(target),
        "unit": "CNY",
        "period_start": str(incident.month),
        "period_end": str(incident.end - dt.timedelta(days=1)),
        "effective_on": str(effective),
        "definition": f"v{version}",
        "known_at": f"{effective} 09:00:00",
    }


def _progress(incident: Incident) -> Iterator[dict[str, str]]:
    """What the performance system says each evening of the month, and after it: settled so far, packets that came."""
    credited: dict[str, list[tuple[dt.date, dt.datetime, int]]] = {}
    for sale in incident.sales:
        arrived = incident.settled_at(sale.office, sale.day)
        if incident.month <= sale.day < incident.end and arrived is not None:
            credited.setdefault(sale.person, []).append((sale.day, arrived, sale.settled))
            if sale.counted_for:
                credited.setdefault(sale.counted_for, []).append((sale.day, arrived, sale.moved))
    for measured in incident.days:
        evening = dt.datetime.combine(measured, dt.time(22))
        version = 2 if incident.version_2_on is not None and measured >= incident.version_2_on else 1
        for employee in _everyone(incident) if measured >= incident.month else ():
            actual = sum(amount for _, arrived, amount in credited.get(employee, []) if arrived <= evening)
            yield {
                "goal_id": f"G-{employee}",
                "measured_at": str(evening),
                "actual": money(actual),
                "definition": f"v{version}",
                "known_at": str(evening),
            }


def _facts(incident: Incident) -> Iterator[dict[str, str]]:
    for sale in incident.sales:
        ordered_at = dt.datetime.combine(sale.day, dt.time(23))
        closed_at = incident.due_at(sale.day)
        yield _fact(ORDERS, METRIC, sale, value=sale.gross, known=ordered_at, meaning=("gross", "delivery"))
        yield _fact(CLOSING, RETURNED, sale, value=sale.returned, known=closed_at, meaning=("", "delivery"))
        if sale.counted_for:
            yield _fact(CLOSING, MOVED, sale, value=-sale.moved, known=closed_at, meaning=("net", ""))
            credited = sale._replace(person=sale.counted_for)
            yield _fact(CLOSING, MOVED, credited, value=sale.moved, known=closed_at, meaning=("net", ""))
        arrived = incident.settled_at(sale.office, sale.day)
        if arrived is not None:
            yield from _settled(sale, arrived)


def _settled(sale: Sale, arrived: dt.datetime | None) -> Iterator[dict[str, str]]:
    """The rows of the performance system about one sale: for the person who delivered, and for who is credited."""
    yield _fact(SETTLED, METRIC, sale, value=sale.settled, known=arrived, meaning=("net", "registration"))
    if sale.counted_for:
        credited = sale._replace(person=sale.counted_for)
        yield _fact(SETTLED, METRIC, credited, value=sale.moved, known=arrived, meaning=("net", "registration"))


def _fact(
    source: str, metric: str, sale: Sale, *, value: int, known: dt.datetime | None, meaning: tuple[str, str]
) -> dict[str, str]:
    return {
        "source": f"{source}/{sale.office}",
        "metric": metric,
        "entity": sale.person,
        "business_date": str(sale.day),
        "value": money(value),
        "basis": meaning[0],
        "attribution": meaning[1],
        "known_at": "" if known is None else str(known),
    }


def _deliveries(incident: Incident) -> Iterator[dict[str, str]]:
    packets: dict[tuple[str, dt.date], list[Sale]] = {}
    for sale in incident.sales:
        packets.setdefault((sale.office, sale.day), []).append(sale)
    for (office, day), sales in packets.items():
        credited = sum(1 for sale in sales if sale.counted_for)
        ordered_at = dt.datetime.combine(day, dt.time(23))
        orders = sum(sale.gross for sale in sales)
        yield _delivery(f"{ORDERS}/{office}", day, due=ordered_at, received=ordered_at, rows=len(sales), total=orders)
        yield _delivery(
            f"{SETTLED}/{office}",
            day,
            due=incident.due_at(day),
            received=incident.settled_at(office, day),
            rows=len(sales) + credited,
            total=sum(sale.gross - sale.returned for sale in sales),
        )


def _delivery(
    source: str, day: dt.date, *, due: dt.datetime, received: dt.datetime | None, rows: int, total: int
) -> dict[str, str]:
    return {
        "source": source,
        "business_date": str(day),
        "due_at": str(due),
        "received_at": "" if received is None else str(received),
        "row_count": "" if received is None else str(rows),
        "total": "" if received is None else money(total),
    }


def _everyone(incident: Incident) -> Sequence[str]:
    return [employee for office in incident.offices for employee in incident.staff(office)]


def leader_of(office: str) -> str:
    """Who leads an office."""
    return f"{office}-manager"
