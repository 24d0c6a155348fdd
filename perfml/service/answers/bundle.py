"""One person in one answer: what perfml.advice.person holds, refused like every other question about a person."""

from __future__ import annotations

from perfml.advice.person import NobodyKept, PersonForHr, SharedPerson, person
from perfml.project.voices import Who
from perfml.service.answers.shared import IsoDate, ServiceQuery
from perfml.service.problems import no_person
from perfml.service.store import Store


class BundleQuery(ServiceQuery):
    """For whom, and of which date."""

    as_of: IsoDate | None = None
    """YYYY-MM-DD; each model's newest scored date, and each policy's newest suggestions, when absent."""
    voice: Who = "hr"
    """The reader. ``manager`` and ``employee`` get an answer without probability, rank, band and names."""


def bundle(store: Store, employee_id: str, query: BundleQuery) -> PersonForHr | SharedPerson:
    """Return what is kept of a person. Raises :class:`NotFound` for a person of whom nothing is kept at that date, or at all,
    with the same text; :class:`ModelError` and :class:`DamagedFile` for altered and damaged files."""
    try:
        return person(store.home, employee_id, voice=query.voice, as_of=query.as_of)
    except NobodyKept as error:
        raise no_person() from error
