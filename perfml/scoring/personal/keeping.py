"""Keeping what can be said about people at a date: their rows, and their figures beside those of others."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

from perfml.evidence.sources import Data
from perfml.project.folder import ProjectFolder
from perfml.project.trust.peers_spec import PeersSpec
from perfml.scoring.personal.figures import peer_rows
from perfml.scoring.personal.files import made_from, write_records
from perfml.scoring.personal.rows import contents_of, rows_of_people
from perfml.scoring.run_record import RunRecord, source_of
from perfml.trust.holds.hold import Hold


def keep_records(
    data: Data, folder: ProjectFolder, home: Path, *, as_of: dt.date, run: RunRecord, held: Mapping[str, Hold]
) -> None:
    """Keep the rows of everyone employed at ``as_of`` who did not opt out, in place of an earlier run's.

    ``run``: the record of the scores of that date. What was made from the same is not written again.
    """
    out = sorted(person for person, hold in held.items() if hold.cause == "opt_out")
    source = source_of(run, held)
    if made_from(home, as_of) != source:
        peers = next((spec for spec in folder.policies.values() if isinstance(spec, PeersSpec)), None)
        figures = peers and peer_rows(data, folder.definitions, peers, folder.spec.disclosure, as_of=as_of, without=out)
        rows = rows_of_people(data, as_of, without=out, besides=figures)
        contents = contents_of(data, folder.definitions, peers).model_copy(update={"made_from": source})
        write_records(rows, home, as_of=as_of, contents=contents)
