"""What a policy of kind ``lines`` may contain: lines that people want to cross, and by when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from perfml.project.spec import Spec

LineRule = Literal["rank", "attainment"]
"""``rank``: among the ``first`` of a group on a metric; ``attainment``: at least ``share`` of the own target."""
LineGroup = Literal["company", "department", "location", "scope"]
RankedBy = Literal["amount", "share"]


class LineSpec(Spec):
    """One line."""

    zh: str
    """Its name in Chinese."""
    en: str
    """Its name in English."""
    rule: LineRule
    """``rank`` or ``attainment``."""
    metric: str | None = None
    """The metric of goals; of ``attainment`` every metric where absent."""
    first: Annotated[int, Field(ge=3)] | None = None
    """Of ``rank``: how many are above the line."""
    within: LineGroup = "company"
    """Of ``rank``: among whom: ``company``, ``department``, ``location``, or the ``scope`` of the goal."""
    ranked_by: RankedBy = "amount"
    """Of ``rank``: by the ``amount``, or by the ``share`` of the own target."""
    share: Annotated[float, Field(gt=0)] = 1.0
    """Of ``attainment``: the share of the target."""
    on: dt.date | None = None
    """The day that counts; the end of each goal's period where absent."""

    @model_validator(mode="after")
    def _fits_its_rule(self) -> LineSpec:
        if self.rule == "rank" and (self.first is None or self.metric is None):
            raise ValueError("rule 'rank' needs a metric, and how many are first")
        if self.rule == "attainment" and self.first is not None:
            raise ValueError("first belongs to rule 'rank', and only to it")
        return self


class LinesSpec(Spec):
    """``models/<name>.toml`` of kind ``lines``: lines that people want to cross."""

    kind: Literal["lines"] = "lines"
    """Marks the file as lines."""
    zh: str
    """The title in Chinese."""
    en: str
    """The title in English."""
    lines: Mapping[str, LineSpec]
    """The lines by name."""
    off: tuple[str, ...] = ()
    """Lines that this project does not look at."""
