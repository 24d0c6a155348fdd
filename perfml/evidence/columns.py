"""What one column of evidence means: its words, its unit, who can act on it, and the line of an explanation it joins."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from perfml.errors import DefinitionError
from perfml.project.spec import Better, Owner, Relation

RELATION_WORDS: dict[Relation, tuple[str, str]] = {
    "team": ("与本团队相比", "compared with the manager's team"),
    "peers": ("与同岗位同级相比", "compared with peers of role and level"),
}


@dataclass(frozen=True)
class Column:
    """One output column. ``reason`` names the evidence it is part of; all its columns are one line of an explanation."""

    name: str
    evidence: str
    reason: str
    reason_zh: str
    reason_en: str
    zh: str
    en: str
    unit: str
    better: Better
    owner: Owner
    compares: str | None = None
    """For a comparison: the column that is compared (as a z-score within ``relation``)."""
    relation: Relation | None = None
    reach_days: int = 0
    """How far back the log must go for the value to be a whole one; 0 where it does not matter."""

    def compared(self, relation: Relation) -> Column:
        """The column that holds this one's z-score within ``relation``.

        >>> c = Column("logins_28d", "activity", "activity", "登录", "logins", "登录", "logins", "times", "neither", "employee")
        >>> c.compared("team").name, c.compared("team").unit
        ('logins_28d_team_z', 'standard deviations')
        """
        zh, en = RELATION_WORDS[relation]
        return replace(
            self,
            name=f"{self.name}_{relation}_z",
            zh=f"{self.zh}（{zh}）",
            en=f"{self.en}, {en}",
            unit="standard deviations",
            compares=self.name,
            relation=relation,
        )

    def to_json(self) -> dict[str, Any]:
        """As a JSON object; :meth:`from_json` reads it back."""
        return asdict(self)

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> Column:
        """The column that :meth:`to_json` wrote."""
        return cls(**raw)


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
