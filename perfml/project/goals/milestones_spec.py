"""What a policy of kind ``milestones`` may contain: from when on a milestone counts as late, or as marked late."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from perfml.project.spec import Spec


class MilestonesSpec(Spec):
    """``models/<name>.toml`` of kind ``milestones``: when a milestone is late, and what is said of it."""

    kind: Literal["milestones"] = "milestones"
    """Marks the file as rules about milestones."""
    zh: str
    """The title in Chinese."""
    en: str
    """The title in English."""
    marking_days: Annotated[int, Field(ge=0)] = 5
    """Days from the end of the work within which it should be marked as done."""
    sure: Annotated[float, Field(gt=0.5, lt=1)] = 0.8
    """Probability above which late marking, or late work, is said where the day of the work is not on record."""
    least_finished: Annotated[int, Field(ge=10)] = 30
    """Finished milestones on record below which nothing is forecast."""
