"""Served equals known: a sample of what was served is recomputed from what was known then, and every difference is reported."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from perfml.advice.suggesting import replay_suggestions
from perfml.dated_files import dates_in
from perfml.errors import PerfmlError
from perfml.messages import Message, coded
from perfml.scoring.people.known import stored_rows_of
from perfml.scoring.replay import Replay, ServedKind, replay_scores
from perfml.scoring.sealed_files import EARLIER
from perfml.scoring.table_files import read_rows

ServedVerdict = Literal["same", "differs", "unknown"]
REPLAYED: Mapping[ServedKind, Callable[..., Replay]] = {"scores": replay_scores, "suggestions": replay_suggestions}


@dataclass(frozen=True, kw_only=True)
class ServedFile:
    """What is served of one model or policy at one date, or was until it was superseded."""

    what: ServedKind
    name: str
    as_of: dt.date
    path: Path

    @property
    def superseded(self) -> bool:
        """Whether the date was written again since."""
        return self.path.parent.name == EARLIER

    def text(self, outcome: str, **values: int) -> Message:
        """``replay_same``, ``replay_differs`` or ``replay_unknown`` of this file."""
        what = Message.of(f"replay_{self.what}")
        what = Message.of("replay_superseded", what=what) if self.superseded else what
        return Message.of(outcome, what=what, name=self.name, as_of=str(self.as_of), **values)


@dataclass(frozen=True, kw_only=True)
class ServedCheck:
    """One file of the sample, recomputed: ``unknown`` where it cannot be."""

    served: ServedFile
    verdict: ServedVerdict
    rows: int = 0
    people: int = 0
    """Sampled people of whom what is read for an answer was compared."""
    text: Message
    """The outcome in one sentence."""
    details: tuple[Message, ...] = ()
    """What differs, the libraries that are other ones than then, or why nothing can be recomputed."""

    def to_json(self) -> dict[str, object]:
        """Plain data, sentences in both languages."""
        return {
            "what": self.served.what,
            "name": self.served.name,
            "as_of": str(self.served.as_of),
            "superseded": self.served.superseded,
            "verdict": self.verdict,
            "rows": self.rows,
            "people": self.people,
            "text": coded(self.text),
            "details": [coded(each) for each in self.details],
        }


@dataclass(frozen=True, kw_only=True)
class ServedSample:
    """The sample of one night."""

    seed: str
    checks: tuple[ServedCheck, ...]

    @property
    def sound(self) -> bool:
        """Whether everything was recomputed and nothing differs."""
        return all(check.verdict == "same" for check in self.checks)

    @property
    def text(self) -> Message:
        """The sample in one sentence."""
        if not self.checks:
            return Message.of("served_nothing")
        return Message.of(
            "served_summary",
            same=sum(check.verdict == "same" for check in self.checks),
            checked=len(self.checks),
            people=sum(check.people for check in self.checks),
            seed=self.seed,
        )

    def to_json(self) -> dict[str, object]:
        """Plain data, sentences in both languages."""

        checks = [check.to_json() for check in self.checks]
        return {"seed": self.seed, "sound": self.sound, "text": coded(self.text), "checks": checks}


def served_files(home: Path) -> list[ServedFile]:
    """Every file of scores and suggestions that is or was served, by model or policy and date."""
    files = []
    kinds: tuple[ServedKind, ...] = ("scores", "suggestions")
    for what in kinds:
        for folder in sorted(path for path in (home / what).glob("*") if path.is_dir()):
            for day in reversed(dates_in(folder)):
                paths = [folder / f"{day}.parquet", *sorted((folder / EARLIER).glob(f"{day}.*.parquet"))]
                files += [ServedFile(what=what, name=folder.name, as_of=day, path=path) for path in paths]
    return files


def check_served(home: Path, *, seed: str, files: int, people: int, data: str | Path | None = None) -> ServedSample:
    """Recompute a random sample of ``files`` of what was served, and compare what is read of ``people`` of each for an answer.

    The same ``seed`` draws the same sample while nothing is added. ``data``: in place of the source that was recorded.
    """
    chance = random.Random(seed)  # a sample, no secret
    served = served_files(home)
    sample = chance.sample(served, min(files, len(served)))
    return ServedSample(
        seed=seed, checks=tuple(_check(home, each, chance=chance, people=people, data=data) for each in sample)
    )


def _check(
    home: Path, served: ServedFile, *, chance: random.Random, people: int, data: str | Path | None
) -> ServedCheck:
    try:
        replayed = REPLAYED[served.what](home, served.path, name=served.name, as_of=served.as_of, data=data)
        rows = read_rows(served.path).to_pylist()
        everyone = sorted({row["employee_id"] for row in rows})
        sampled = chance.sample(everyone, min(people, len(everyone)))
        differ = [
            Message.of("served_person_differs", employee=person)
            for person in sampled
            # As text: a value that is not a number is not equal to itself.
            if repr(stored_rows_of(served.path, person)) != repr([row for row in rows if row["employee_id"] == person])
        ]
    except PerfmlError as error:
        why = Message.of("replay_why_unknown", why=str(error))
        return ServedCheck(served=served, verdict="unknown", text=served.text("replay_unknown"), details=(why,))
    same = replayed.matches and not differ
    return ServedCheck(
        served=served,
        verdict="same" if same else "differs",
        rows=replayed.rows,
        people=len(sampled),
        text=served.text("replay_same", rows=replayed.rows) if same else served.text("replay_differs"),
        details=() if same else (*differ, *replayed.details),
    )
