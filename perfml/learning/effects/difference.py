"""A difference in the share with the outcome, as far as chance leaves it open."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Difference:
    """The share with the outcome less that of whoever it is compared with."""

    estimate: float
    interval_80: tuple[float, float]
    interval_95: tuple[float, float]

    @property
    def side(self) -> int:
        """-1 or 1 where the 95 % interval leaves out that nothing differs, else 0."""
        low, high = self.interval_95
        return int(low > 0) - int(high < 0)

    @property
    def shown(self) -> bool:
        """Whether something differs."""
        return self.side != 0
