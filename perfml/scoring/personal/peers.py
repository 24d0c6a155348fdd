"""A person beside the mean of others, as kept when people were scored. Light: the service reads it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Literal

from perfml.messages import Bilingual, Message, both
from perfml.messages.values import value_text
from perfml.project.trust.peers_spec import PeerGroup
from perfml.project.voices import Who
from perfml.scoring.personal.files import PEERS, KeptRow, PeerMeasure
from perfml.scoring.personal.record import PersonalPart, require_rows
from perfml.scoring.personal.standing import RecordReading, standing_record
from perfml.scoring.withheld.withholding import why_held, withheld_at


class PeerFigure(PersonalPart):
    """One figure of a person beside others."""

    measure: str
    title: Bilingual
    unit: str
    status: Literal["shown", "insufficient"]
    """``insufficient``: no group is large enough that nobody's own value can be worked out."""
    value: float | None
    """The person's own; null where nothing is recorded."""
    mean: float | None
    """Of the others."""
    others: int | None
    """How many they are."""
    group: PeerGroup | None
    group_name: str | None
    """Of the department or the kind of work."""
    text: Bilingual


class PeerFigures(PersonalPart):
    """A person beside others at one date."""

    employee_id: str
    as_of: dt.date
    reader: Who
    withheld: Bilingual | None
    """Why nothing is shown: the person is held or opted out."""
    figures: tuple[PeerFigure, ...]


def peer_figures(home: Path, employee_id: str, *, reading: RecordReading, as_of: dt.date | None = None) -> PeerFigures:
    """The figures of a person at ``as_of`` (default: the newest date), or why they are withheld.

    Raises :class:`~perfml.scoring.score_files.NoScore` where nothing is kept of that date or person.
    """
    record = standing_record(home, employee_id, as_of)
    require_rows(record)
    stamp = record.contents.holds or 0
    hold = withheld_at(home, record.as_of, stamp=lambda: stamp).hold({"employee_id": employee_id})
    withheld = record.withheld or (None if hold is None else Bilingual(**both(why_held(hold))))
    rows = {row.values["measure"]: row for row in record.rows if row.table == PEERS}
    return PeerFigures(
        employee_id=employee_id,
        as_of=record.as_of,
        reader=reading.reader,
        withheld=withheld,
        figures=()
        if withheld is not None
        else tuple(_figure(name, measure, rows.get(name)) for name, measure in record.contents.peers.items()),
    )


def _figure(name: str, measure: PeerMeasure, row: KeptRow | None) -> PeerFigure:
    values = {} if row is None else row.values
    value, mean = (None if values.get(each) is None else float(values[each]) for each in ("value", "mean"))
    others = values.get("others")
    return PeerFigure.model_validate(
        {
            "measure": name,
            "title": measure.title,
            "unit": measure.unit,
            "status": "insufficient" if others is None else "shown",
            "value": value,
            "mean": mean,
            "others": None if others is None else int(others),
            "group": values.get("group"),
            "group_name": values.get("name") or None,
            "text": _text(measure, value, mean, others=others, group=values.get("group"), name=values.get("name", "")),
        }
    )


def _text(
    measure: PeerMeasure, value: float | None, mean: float | None, *, others: str | None, group: str | None, name: str
) -> Bilingual:
    def worded(number: float | None) -> Bilingual:
        return Bilingual(en=value_text(number, measure.unit, "en"), zh=value_text(number, measure.unit, "zh"))

    own = worded(value)
    if others is None:
        return Bilingual(**both(Message.of("peers_insufficient", title=measure.title, own=own)))
    code = f"peers_in_{group}"
    whom = Message.of(code) if group == "company" else Message.of(code, name=name)
    message = Message.of("peers_beside", title=measure.title, own=own, others=int(others), whom=whom, mean=worded(mean))
    return Bilingual(**both(message))
