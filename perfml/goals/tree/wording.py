"""Paths in words: which goal serves which, or where the path ends. Light: the service reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce

from pydantic import TypeAdapter

from perfml.goals.tree.flags import Coverage, SiloFlag
from perfml.messages import Message, Value


@dataclass(frozen=True, kw_only=True)
class PathStep:
    """One node above a goal."""

    id: str
    level: str
    metric: str | None
    title: str | None
    department: str | None
    owner: str | None

    @property
    def name(self) -> Message:
        """What it is called, with its level."""
        return Message.of(f"goal_of_{self.level}", name=self.title or self.metric or self.id)


@dataclass(frozen=True, kw_only=True)
class KeptPath:
    """A goal in force and the path above it: a row of ``perfml.goals.tree.rows.PATHS``."""

    goal_id: str
    employee_id: str
    metric: str
    weight: float
    share: float
    status: str
    cause: str | None
    end_id: str | None
    path: tuple[PathStep, ...]

    @classmethod
    def of(cls, row: Mapping[str, object]) -> KeptPath:
        """Read a kept row."""
        return _KEPT_PATH.validate_python({**row, "path": row["path"] or ()})

    @property
    def text(self) -> Message:
        """Which goal it serves, up to the company goal or to where the path ends."""
        if not self.path:
            why = self._why(self.metric)
            is_top = Message.of("goal_is_company_goal", goal=self.metric)
            return is_top if why is None else Message.of("goal_path_ends", goal=self.metric, why=why)
        first = Message.of("goal_serves", goal=self.metric, above=self.path[0].name)
        whole = reduce(
            lambda path, step: Message.of("goal_then_serves", path=path, above=step.name), self.path[1:], first
        )
        why = self._why(self.path[-1].name)
        return whole if why is None else Message.of("goal_path_ends_at", path=whole, why=why)

    def _why(self, name: str | Message) -> Message | None:
        if self.cause is None:
            return None
        if self.status == "insufficient":
            return Message.of("goal_path_insufficient")
        values: dict[str, Value] = {} if self.cause == "circle" else {"name": name}
        return Message.of(f"goal_break_{self.cause}", **values)


_KEPT_PATH = TypeAdapter(KeptPath)


def silo_text(flag: SiloFlag) -> Message:
    """A silo flag in words."""
    has, lacks = (", ".join(names) for names in (flag.has, flag.lacks))
    if flag.basis == "earlier":
        return Message.of("goal_silo_earlier", metric=flag.metric or "", has=has, lacks=lacks)
    needs = ", ".join(sorted((*flag.has, *flag.lacks)))
    name = flag.title or flag.metric or flag.goal_id or ""
    return Message.of("goal_silo_declared", goal=name, needs=needs, has=has, lacks=lacks)


def coverage_text(covered: Coverage) -> Message:
    """Who works on a company goal, in words."""
    return Message.of(
        "goal_coverage",
        goal=covered.title or covered.metric or covered.goal_id,
        people=covered.people,
        people_share=covered.people_share,
        weight_share=covered.weight_share,
    )
