"""The contract of a recommender, in the manner of ``implicit``'s base class: what to write to add one.

n is the number of courses of the catalogue, p the number of people of the history. Scores are relative to the query: 0 means
no evidence, larger is better, 1 is the most there can be. A course that scores 0 is never shown: two courses without evidence
are not a tie to be broken.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import numpy as np

from perfml.advice.courses.recommenders.frames import Catalogue, History
from perfml.arrays import Floats32, Ints
from perfml.messages import Language, Message


class CourseScorer(ABC):
    """Scores of courses for tags and for employees.

    To add a recommender, inherit from :class:`~perfml.advice.courses.recommenders.recommender.Recommender`, write
    :meth:`learn`, and override :meth:`tag_scores`, :meth:`people_scores` or both; a query that is not overridden has no result.
    """

    catalogue: Catalogue
    """n courses."""
    history: History | None
    """Enrolments of p people; None where there are none."""

    def learn_from(self, catalogue: Catalogue, history: History | None) -> None:
        """Set both and :meth:`learn`."""
        self.catalogue, self.history = catalogue, history
        self.learn()

    @abstractmethod
    def learn(self) -> None:
        """Learn from :attr:`catalogue` and :attr:`history`."""

    def names(self, language: Language) -> Mapping[str, str]:
        """What to call the skills that messages of evidence name, in ``language``."""
        return {}

    def tag_scores(self, tag: str) -> Floats32:
        """(n,) scores in [0, 1] for a gap tag in any language."""
        return np.zeros(len(self.catalogue.ids), dtype=np.float32)

    def why_tag(self, tag: str, best: Ints) -> list[Message | None]:
        """The evidence for each of ``best`` (k,), positions of courses; None where there is none to name."""
        return [None] * len(best)

    def people_scores(self, rows: Ints) -> Floats32:
        """(len(rows), n) scores in [0, 1] for the people at positions ``rows`` of :attr:`History.people`. Called only with a
        history; courses already taken are scored like any other."""
        return np.zeros((len(rows), len(self.catalogue.ids)), dtype=np.float32)

    def why_people(self, rows: Ints, best: Sequence[Ints]) -> list[list[Message | None]]:
        """For each of ``rows``, the evidence for each of its courses in ``best``: len(rows) arrays (k,)."""
        return [[None] * len(each) for each in best]

    def cold_scores(self) -> Floats32:
        """(n,) scores in [0, 1] for an employee without a history: recent popularity."""
        assert self.history is not None
        counts = self.history.recent_counts
        return (counts / max(1.0, float(counts.max()))).astype(np.float32)

    def why_cold(self, best: Ints) -> list[Message | None]:
        """The evidence for each of ``best`` (k,) of the cold ranking."""
        assert self.history is not None
        return [Message.of("course_popular", people=int(self.history.recent_counts[course])) for course in best]
