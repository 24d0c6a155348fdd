"""What one column of evidence means: its texts, its unit, who can act on it, and the reason it belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from perfml.errors import DefinitionError
from perfml.json_types import JsonObject
from perfml.project.column_names import comparison_name, team_name
from perfml.project.spec import Direction, OfTeam, Owner, Relation

RELATION_TEXTS: Mapping[Relation, tuple[str, str]] = {
    "team": ("与本团队相比", "compared with the manager's team"),
    "peers": ("与同岗位同级相比", "compared with peers of role and level"),
}
"""Chinese and English."""
TEAM_TEXTS: Mapping[OfTeam, tuple[str, str]] = {
    "sum": ("本团队其他人合计", "the rest of the team together"),
    "share": ("本团队其他人中有此情况的比例", "share of the rest of the team with any"),
}
"""Chinese and English."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """One output column."""

    name: str
    evidence: str
    """The feature file, without its suffix."""
    reason: str
    """Names the evidence that it is part of; all columns of one reason are one line of an explanation."""
    reason_zh: str
    reason_en: str
    zh: str
    en: str
    unit: str
    direction: Direction
    """Which values are good news."""
    owner: Owner
    compares: str | None = None
    """For a comparison: the column that is compared (as a z-score within ``relation``)."""
    relation: Relation | None = None
    change: tuple[str, str] | None = None
    """For a change: the columns with the earlier and the later value."""
    reach_days: int = 0
    """Days of the log that a complete value needs; 0 where it does not matter."""

    def compared(self, relation: Relation) -> Column:
        """The column that holds the z-score of this one within ``relation``."""
        zh, en = RELATION_TEXTS[relation]
        return replace(
            self,
            name=comparison_name(self.name, relation),
            zh=f"{self.zh}（{zh}）",
            en=f"{self.en}, {en}",
            unit="standard deviations",
            compares=self.name,
            change=None,
            relation=relation,
        )

    def of_team(self, summary: OfTeam) -> Column:
        """The column that holds what the rest of the team has in this one: a reason of its own, which no single person can
        change."""
        zh, en = TEAM_TEXTS[summary]
        return replace(
            self,
            name=team_name(self.name, summary),
            reason=f"{self.reason}:team",
            zh=f"{self.zh}（{zh}）",
            en=f"{self.en}, {en}",
            unit="share" if summary == "share" else self.unit,
            owner="manager" if self.owner == "employee" else self.owner,
        )

    def to_json(self) -> JsonObject:
        """As a JSON object; :meth:`from_json` reads it."""
        return dict(vars(self))

    @classmethod
    def from_json(cls, raw: JsonObject) -> Column:
        """The column that :meth:`to_json` wrote."""
        fields: dict[str, Any] = raw
        return cls(**fields | {"change": tuple(fields["change"]) if fields.get("change") else None})


def require_unique_names(columns: Iterable[Column]) -> None:
    """Raise :class:`DefinitionError` for a column name that two definitions make."""
    seen: set[str] = set()
    for column in columns:
        if column.name in seen:
            raise DefinitionError(
                f"column {column.name!r} is made twice",
                where=f"features/{column.evidence}",
                remedy="rename one of them",
            )
        seen.add(column.name)
