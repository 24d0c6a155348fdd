"""What ``features/forbidden.toml`` may contain: the kinds of evidence that nobody may define."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fnmatch import translate
from functools import cache
from typing import Annotated

from pydantic import Field

from perfml.errors import DefinitionError
from perfml.project.spec import Spec


class ForbiddenEvidence(Spec):
    """``features/forbidden.toml``: one kind of evidence that is forbidden, and the names by which it is recognised.

    A project adds to what perfml forbids, and takes nothing away.
    """

    zh: str
    """What it is, in Chinese."""
    en: str
    """What it is, in English."""
    names: Annotated[tuple[str, ...], Field(min_length=1)]
    """Names of event kinds and columns, with ``*`` for any letters; upper and lower case are alike."""

    def covers(self, name: str) -> bool:
        """Whether evidence called ``name`` is of this kind.

        >>> ForbiddenEvidence(zh="情绪", en="emotions", names=("*emotion*",)).covers("Emotion_score")
        True
        """
        return _any_of(self.names).match(name.casefold()) is not None


@cache
def _any_of(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(translate(pattern.casefold()) for pattern in patterns))


def forbidden_among(
    names: Iterable[str], forbidden: Mapping[str, ForbiddenEvidence]
) -> tuple[str, ForbiddenEvidence] | None:
    """The first of ``names`` that is forbidden, and as what; None where none is."""
    pairs = ((name, evidence) for name in names for evidence in forbidden.values() if evidence.covers(name))
    return next(pairs, None)


def refuse_forbidden(names: Iterable[str], forbidden: Mapping[str, ForbiddenEvidence], *, where: str) -> None:
    """Raise :class:`DefinitionError` where a definition uses one of ``names`` that is forbidden as evidence."""
    match = forbidden_among(names, forbidden)
    if match is not None:
        raise DefinitionError(
            f"{match[0]!r} is forbidden as evidence: {match[1].en}",
            where=where,
            remedy="leave it out, or give it another name if it is something else (features/forbidden.toml)",
        )
