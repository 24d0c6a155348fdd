"""The record of a run, within the sealed file of its rows: what they were made from, and the voices of the time.

Without heavy imports: the service reads it too.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NotRequired, TypedDict, cast

from pydantic import ValidationError

from perfml.json_types import JsonObject
from perfml.messages import Message
from perfml.project.folder import ProjectFolder
from perfml.project.starter import STARTER
from perfml.project.voices import VoicesSpec
from perfml.scoring.sealed_files import ADDED, DamagedFile, open_sealed
from perfml.trust.holds.hold import Hold


class DigestJson(TypedDict):
    """A ``perfml.evidence.fingerprint.TableDigest`` as JSON."""

    rows: int
    content: str


class HeldJson(TypedDict):
    """A ``perfml.trust.holds.hold.Hold`` as JSON, and the people it covered."""

    hold: JsonObject
    employees: list[str]


class RunRecord(TypedDict):
    """What the scores or suggestions of a date were made from."""

    source: str
    """The path or the address of the data, without user and password."""
    today: str
    fingerprint: str
    tables: Mapping[str, DigestJson]
    definitions: str
    """The hash under which a copy of the definitions is kept."""
    voices: JsonObject
    versions: Mapping[str, str]
    """Of perfml, Python and the libraries that may change the last digit."""
    held: list[HeldJson]
    """The people without a score or suggestion."""
    holds: NotRequired[int | None]
    """The number of the newest entry about holds, under which the data were opened."""
    metrics: list[str] | None
    """The metrics with a definition, where rows of others were set aside."""
    provisional: NotRequired[list[str]]
    """The entities whose figures were not final, where two sources are reconciled."""
    refused: NotRequired[list[str]]
    """The suggestions that people had refused by then."""
    address: NotRequired[str]
    rows: NotRequired[int]
    content: NotRequired[str]
    """SHA-256 of every value, see :func:`~perfml.scoring.content_hash.content_hash`; like ``address`` and ``rows`` added when the
    rows are written."""


def score_path(home: Path, model: str, as_of: dt.date) -> Path:
    """The file of the scores of a date."""
    return home / "scores" / model / f"{as_of}.parquet"


def source_of(run: RunRecord, held: Mapping[str, Hold]) -> str:
    """What changes with the data, the definitions and who opted out: what was made from the same need not be made again."""
    out = sorted(person for person, hold in held.items() if hold.cause == "opt_out")
    parts = [run["fingerprint"], run["definitions"], str(run.get("holds")), *out]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def read_record(path: Path, *, needs: Collection[str] = ()) -> RunRecord | None:
    """Read the record of a file of scores or suggestions; None where its rows were written without one.

    Raises :class:`DamagedFile` for a damaged file, and for a record without a key that the caller ``needs``.
    """
    with open_sealed(path) as sealed:
        record = sealed.record
    if record.keys() <= ADDED:
        return None
    if not record.keys() >= set(needs):
        raise DamagedFile(path, Message.of("file_earlier"))
    return cast(RunRecord, record)


def voices_of(home: Path, model: str, as_of: dt.date) -> VoicesSpec:
    """The voices at the time of scoring; those that perfml ships where none were recorded. Raises :class:`DamagedFile`."""
    path = score_path(home, model, as_of)
    record = read_record(path)
    if record is None or "voices" not in record:
        return ProjectFolder(STARTER).policy_of(VoicesSpec)[1]
    try:
        return VoicesSpec.model_validate(record["voices"])
    except ValidationError as error:
        raise DamagedFile(path, Message.of("file_earlier")) from error
