"""The picture of a bridge: a waterfall from one system's total to the other's."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from perfml.report.pictures import LOWERS, MODEL, RAISES, SMALL
from perfml.report.svg import GRID, MUTED, line, picture, shape, text, text_width, wrap


class BridgeStep(NamedTuple):
    """One part of a bridge."""

    label: str
    amount: Decimal


def bridge_picture(
    *,
    start: BridgeStep,
    steps: Sequence[BridgeStep],
    end: BridgeStep,
    title: str,
    decimals: int = 2,
    width: float = 560,
) -> str:
    """Draw the way from the total of ``start`` over ``steps`` to the total of ``end``, on a scale that includes 0.

    Each row has its label, its amount with its sign and a bar from where the row above ended; an amount of 0 is a tick.
    """
    left, right, size = 4.0, width - 4, 13.0
    levels = [start.amount]
    for step in steps:
        levels.append(levels[-1] + step.amount)
    low, high = min(Decimal(0), *levels, end.amount), max(Decimal(0), *levels, end.amount)
    spread = high - low or Decimal(1)

    def x_of(level: Decimal) -> float:
        return left + float((level - low) / spread) * (right - left)

    rows = [(start, Decimal(0), start.amount, MODEL)]
    for step, before, after in zip(steps, levels, levels[1:], strict=False):
        rows.append((step, before, after, RAISES if step.amount > 0 else LOWERS))
    rows.append((end, Decimal(0), end.amount, MODEL))
    parts: list[str] = [line(x_of(Decimal(0)), 8, x_of(Decimal(0)), 8, stroke=MUTED)]
    behind: list[str] = []
    y = 4.0
    for number, (step, before, after, fill) in enumerate(rows):
        total = number in (0, len(rows) - 1)
        amount = f"{step.amount:,.{decimals}f}" if total else signed(step.amount, decimals)
        y += 16
        parts.append(text(right, y, amount, anchor="end", size=size, bold=total))
        for nth, row in enumerate(wrap(step.label, width=right - left - text_width(amount, size) - 16, size=size)):
            y += 16 if nth else 0
            parts.append(text(left, y, row, size=size, bold=total))
        x1, x2 = sorted((x_of(before), x_of(after)))
        top = y + 6
        if x2 - x1 < 1.5:
            parts.append(line(x1, top - 1, x1, top + 12, stroke=MUTED, width=2))
        else:
            parts.append(shape([(x1, top), (x2, top), (x2, top + 11), (x1, top + 11)], fill=fill))
        y = top + 18
        if not total or number == 0:
            behind.append(line(x_of(after), top + 11, x_of(after), y + 22, stroke=GRID, dash="2 3"))
    if low < 0:
        parts.append(text(x_of(Decimal(0)), y + 12, "0", anchor="middle", fill=MUTED, size=SMALL))
    return picture([*behind, *parts], width=width, height=y + 16, title=title)


def signed(amount: Decimal, decimals: int) -> str:
    """An amount with its sign, and a true minus.

    >>> signed(Decimal("-4992"), 2), signed(Decimal("12.5"), 2), signed(Decimal(0), 2)
    ('−4,992.00', '+12.50', '0.00')
    """
    return f"{amount:{'+' if amount else ''},.{decimals}f}".replace("-", "−")
