"""Facts kept by kind and date, ``home/facts/<kind>/<as_of>.parquet``, and the state that holds give to them. Light."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, get_args

import pyarrow as pa

from perfml.dated_files import dated_file, dates_in
from perfml.errors import PerfmlError
from perfml.messages import Language, Message, render
from perfml.scoring.sealed_files import write_sealed
from perfml.scoring.table_files import read_rows
from perfml.scoring.withheld.withholding import withholding_now
from perfml.trust.holds.hold_log import HoldLog

FactKind = Literal["eligibility", "ratings", "events"]
FACTS: tuple[FactKind, ...] = get_args(FactKind)
FactRow = Mapping[str, object]
SCHEMAS: Mapping[FactKind, pa.Schema] = {
    "eligibility": pa.schema(
        [
            *((name, pa.string()) for name in ("employee_id", "opening_id", "title", "state", "missing")),
            *((name, pa.string()) for name in ("because_en", "because_zh")),
        ]
    ),
    "ratings": pa.schema(
        [
            *(("review_id", pa.string()), ("employee_id", pa.string()), ("period_start", pa.date32())),
            *(("period_end", pa.date32()), ("reviewed_on", pa.date32()), ("rating", pa.float64())),
            *(("scale_worst", pa.float64()), ("scale_best", pa.float64()), ("definition_version", pa.int64())),
            *(("row_version", pa.int64()), ("state", pa.string())),
        ]
    ),
    "events": pa.schema(
        [
            *((name, pa.string()) for name in ("fact_id", "employee_id", "kind", "action", "retracts", "reference")),
            ("happened_on", pa.date32()),
            ("known_on", pa.date32()),
        ]
    ),
}
RATING = "rating"
"""The metric of ``features/definitions.toml`` that ratings are of, where a project defines one."""
BETWEEN: Mapping[Language, str] = {"en": "; ", "zh": "；"}
"""Between the reasons of one opening."""
HELD = "held"
"""The reason of an opening that says that data about the person are in doubt."""


class NothingPrepared(PerfmlError):
    """No facts of a kind were prepared, at a date or at all."""


def keep_facts(kind: FactKind, rows: pa.Table, home: Path, *, as_of: dt.date) -> Path:
    """Keep the facts of a kind and date, in place of earlier ones."""
    return write_sealed([rows], home, f"facts/{kind}/{as_of}.parquet")


def facts_file(home: Path, kind: FactKind, as_of: dt.date | None = None) -> tuple[dt.date, Path]:
    """The date (default: the newest) and its file. Raises :class:`NothingPrepared` where there is none."""
    file = dated_file(home / "facts" / kind, as_of)
    if file is None:
        raise NothingPrepared(
            "nothing has been prepared of that date" if as_of else "nothing has been prepared yet",
            where=f"home/facts/{kind}",
            remedy="run `perfml export prepare --data …`",
        )
    return file


def kept_facts(home: Path, kind: FactKind, as_of: dt.date | None = None) -> tuple[dt.date, list[dict[str, object]]]:
    """The date (default: the newest) and the rows. Raises :class:`NothingPrepared` where none are kept."""
    day, path = facts_file(home, kind, as_of)
    return day, read_rows(path).to_pylist()


def newest_before(home: Path, kind: FactKind, as_of: dt.date) -> list[dict[str, object]]:
    """The rows of the newest date before ``as_of``; none where there is no such date."""
    earlier = [day for day in dates_in(home / "facts" / kind) if day < as_of]
    return kept_facts(home, kind, max(earlier))[1] if earlier else []


def with_state(home: Path, kind: FactKind, rows: list[dict[str, object]], today: dt.date) -> list[dict[str, object]]:
    """The rows with the state that the holds of now give them. Ratings and eligibility say that they are on hold or disputed;
    an event about somebody who is held waits until the hold is lifted. Opting out of scores changes no fact."""
    withheld = withholding_now(home, today, facts=False)
    disputed = {hold.name for hold in HoldLog(home).active() if hold.kind == "fact"}
    stated = []
    for row in rows:
        hold = withheld.people.get(str(row["employee_id"]))
        held = hold is not None and hold.cause != "opt_out"
        if kind == "ratings":
            doubted = held or RATING in withheld.metrics
            state = "disputed" if f"reviews/{row['review_id']}" in disputed else "on_hold" if doubted else "settled"
            stated.append({**row, "state": state})
        elif kind == "eligibility" and held:
            stated.append({**row, **because([*filter(None, [str(row["missing"] or "")]), HELD], row)})
        elif not (kind == "events" and held):
            stated.append(row)
    return stated


def because(missing: list[str], row: Mapping[str, object]) -> dict[str, object]:
    """State and reasons of an opening with another reason: data about the person are in doubt."""
    why = Message.of("opening_held")
    texts = {
        f"because_{language}": BETWEEN[language].join(
            filter(None, [str(row[f"because_{language}"] or ""), render(why, language)])
        )
        for language in BETWEEN
    }
    return {"state": "not_yet", "missing": ";".join(missing), **texts}
