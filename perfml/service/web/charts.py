"""Charts of the pages: an SVG, and the same numbers as a table beside it.

Colours come from the style sheet by class, since no page permits inline style.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from perfml.report.svg import text_width, wrap

WIDTH = 560.0
ROW, LINE = 34.0, 16.0
SIZE = 13.0
SMALL_WIDTH, SMALL_FLOOR = 220.0, 42.0
"""Of a picture within a row of a table."""
LABELS = 0.42
"""Share of the width for labels."""


@dataclass(frozen=True, kw_only=True)
class ChartRow:
    """One number: its label, its value, and how it is written, in the picture as in the table."""

    label: str
    value: float
    text: str


@dataclass(frozen=True, kw_only=True)
class RangeRow:
    """A value with its interval beside what it is compared with: a dot on a line, and a hollow dot."""

    label: str
    low: float
    value: float
    high: float
    reference: float
    cells: tuple[str, ...]
    """As the table writes them, after the label."""


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A picture with its title and the table of its numbers."""

    title: str
    svg: Markup
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def bars(rows: Sequence[ChartRow], *, title: str, heads: tuple[str, str]) -> Chart:
    """Horizontal bars from zero; those below it point to the left, in another colour."""
    low, high = min([0.0, *(row.value for row in rows)]), max([0.0, *(row.value for row in rows)])
    figures = max((text_width(row.text, SIZE) for row in rows), default=0.0) + 16
    left = WIDTH * LABELS + (figures if low < 0 else 8)
    scale = (WIDTH - left - (figures if high > 0 else 8)) / ((high - low) or 1.0)
    zero = left - low * scale
    parts, y = [], 4.0
    for row in rows:
        lines = wrap(row.label, width=WIDTH * LABELS - 8, size=SIZE)
        height = max(ROW - 6, len(lines) * LINE + 6)
        middle = y + height / 2
        for number, line in enumerate(lines):
            parts.append(_text(0, middle + (number - (len(lines) - 1) / 2) * LINE + 4.5, line))
        end = zero + row.value * scale
        start, width = min(zero, end), max(1.5, abs(end - zero))
        kind = ("up" if row.value >= 0 else "down") if low < 0 else "bar"
        parts.append(
            f'<rect class="{kind}" x="{start:.1f}" y="{middle - 8:.1f}" width="{width:.1f}" height="16" rx="2"/>'
        )
        at, anchor = (end + 6, "start") if row.value >= 0 else (end - 6, "end")
        parts.append(_text(at, middle + 4.5, row.text, anchor=anchor, kind="strong"))
        y += height + 6
    parts.append(f'<path class="axis" d="M{zero:.1f} 0V{y:.1f}"/>')
    return Chart(
        title=title, svg=_picture(parts, y + 2, title), heads=heads, rows=tuple((r.label, r.text) for r in rows)
    )


def ranges(rows: Sequence[RangeRow], *, title: str, heads: tuple[str, ...]) -> Chart:
    """One line for each row, from zero, or the lowest end of an interval below it, to the highest; the first cell stands at its
    end."""
    low, high = min([0.0, *(row.low for row in rows)]), max([0.0, *(max(row.high, row.reference) for row in rows)])
    figures = max((text_width(row.cells[0], SIZE) for row in rows), default=0.0) + 24
    scale = (WIDTH * 0.76 - figures) / ((high - low) or 1.0)
    left = WIDTH * 0.24 - low * scale
    parts, y = [], 4.0
    for row in rows:
        middle = y + 12
        low_x, x, high_x, reference = (left + each * scale for each in (row.low, row.value, row.high, row.reference))
        parts.append(_text(0, middle + 4.5, row.label))
        parts.append(f'<path class="range" d="M{low_x:.1f} {middle:.1f}H{high_x:.1f}"/>')
        parts.append(f'<circle class="hollow" cx="{reference:.1f}" cy="{middle:.1f}" r="4.5"/>')
        parts.append(f'<circle class="mark" cx="{x:.1f}" cy="{middle:.1f}" r="4"/>')
        parts.append(_text(WIDTH, middle + 4.5, row.cells[0], anchor="end", kind="strong"))
        y += 26
    parts.append(f'<path class="axis" d="M{left:.1f} 0V{y:.1f}"/>')
    table = tuple((row.label, *row.cells) for row in rows)
    return Chart(title=title, svg=_picture(parts, y + 2, title), heads=heads, rows=table)


def trend(rows: Sequence[ChartRow], *, title: str, heads: tuple[str, str], height: float = 180.0) -> Chart:
    """A line over equally spaced labels, such as months; from zero, so that a small change looks small."""
    high = max([0.0, *(row.value for row in rows)]) or 1.0
    top, bottom = 24.0, height - 26
    edge = max([28.0, *(text_width(row.label, 12) / 2 + 4 for row in rows)])
    step = (WIDTH - 2 * edge) / max(1, len(rows) - 1)
    points = [(edge + n * step, bottom - row.value / high * (bottom - top)) for n, row in enumerate(rows)]
    parts = [f'<path class="grid" d="M0 {bottom:.1f}H{WIDTH:g}"/>']
    if points:
        parts.append(f'<polyline class="trend" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>')
    free = 0.0
    for (x, y), row in zip(points, rows, strict=True):
        parts.append(f'<circle class="mark" cx="{x:.1f}" cy="{y:.1f}" r="4"/>')
        parts.append(_text(x, y - 9, row.text, anchor="middle", kind="strong"))
        if x - text_width(row.label, 12) / 2 >= free:
            parts.append(_text(x, height - 8, row.label, anchor="middle", kind="muted"))
            free = x + text_width(row.label, 12) / 2 + 8
    return Chart(
        title=title, svg=_picture(parts, height, title), heads=heads, rows=tuple((r.label, r.text) for r in rows)
    )


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two numbers of one kind side by side, such as a person's own and the mean of others."""

    label: str
    own: float
    other: float
    own_text: str
    other_text: str


def pairs(rows: Sequence[Pair], *, title: str, heads: tuple[str, str, str]) -> Chart:
    """Two bars from zero for each row, the longer of each row over the whole width: rows have units of their own."""
    left, figures = (
        WIDTH * LABELS,
        max((text_width(t, SIZE) for r in rows for t in (r.own_text, r.other_text)), default=0),
    )
    parts, y = [], 20.0
    for at, (kind, head) in enumerate(zip(("bar", "faint"), heads[1:], strict=True)):
        x = left + at * (text_width(heads[1], 12) + 40)
        parts += [
            f'<rect class="{kind}" x="{x:.1f}" y="3" width="10" height="10" rx="2"/>',
            _text(x + 15, 12, head, kind="muted"),
        ]
    for row in rows:
        lines = wrap(row.label, width=left - 8, size=SIZE)
        height = max(40.0, len(lines) * LINE + 8)
        middle = y + height / 2
        for number, line in enumerate(lines):
            parts.append(_text(0, middle + (number - (len(lines) - 1) / 2) * LINE + 4.5, line))
        longest = max(abs(row.own), abs(row.other)) or 1.0
        for value, text, kind, top in ((row.own, row.own_text, "bar", -15), (row.other, row.other_text, "faint", 1)):
            width = max(1.5, abs(value) / longest * (WIDTH - left - figures - 12))
            parts.append(
                f'<rect class="{kind}" x="{left:.1f}" y="{middle + top:.1f}" width="{width:.1f}" height="14" rx="2"/>'
            )
            parts.append(_text(left + width + 6, middle + top + 11.5, text, kind="strong" if kind == "bar" else ""))
        y += height + 6
    return Chart(
        title=title,
        svg=_picture(parts, y + 2, title),
        heads=heads,
        rows=tuple((row.label, row.own_text, row.other_text) for row in rows),
    )


@dataclass(frozen=True, kw_only=True)
class Attainment:
    """A goal: what is expected of its target, all as shares of the target of before, and the same as written in the table."""

    label: str
    expected: float
    low: float
    high: float
    new_target: float | None
    """None where it does not move."""
    texts: tuple[str, ...]
    """Target, forecast with its interval, and new target."""


def attainments(rows: Sequence[Attainment], *, title: str, heads: tuple[str, ...]) -> Chart:
    """For each goal the forecast with its interval, the target (a line), and the suggested one (a hollow mark).

    ``heads``: of the label and of each of the texts.
    """
    most = max([1.0, *(max(row.high, row.new_target or 0.0) for row in rows)])
    left, right = WIDTH * LABELS, WIDTH - 14
    scale = (right - left) / min(most, 3.0)
    parts, y = [], 8.0
    for row in rows:
        lines = wrap(row.label, width=left - 8, size=SIZE)
        height = max(52.0, len(lines) * LINE + 20)
        middle = y + 14
        for number, line in enumerate(lines):
            parts.append(_text(0, middle + number * LINE + 4.5, line))
        low, high, mid = (left + min(each, 3.0) * scale for each in (row.low, row.high, row.expected))
        parts.append(f'<path class="grid" d="M{left:.1f} {middle:.1f}H{right:.1f}"/>')
        wide = max(2.0, high - low)
        parts.append(f'<rect class="faint" x="{low:.1f}" y="{middle - 7:.1f}" width="{wide:.1f}" height="14" rx="4"/>')
        parts.append(f'<path class="axis" d="M{left + scale:.1f} {middle - 11:.1f}V{middle + 11:.1f}"/>')
        if row.new_target is not None:
            parts.append(
                f'<circle class="hollow" cx="{left + min(row.new_target, 3.0) * scale:.1f}" cy="{middle:.1f}" r="6"/>'
            )
        parts.append(f'<circle class="mark" cx="{mid:.1f}" cy="{middle:.1f}" r="4"/>')
        written = " · ".join(f"{head} {text}" for head, text in zip(heads[1:], row.texts, strict=True) if text)
        parts.append(_text(0, middle + 24 + (len(lines) - 1) * LINE, written, kind="muted"))
        y += height + 4
    return Chart(
        title=title,
        svg=_picture(parts, y + 2, title),
        heads=heads,
        rows=tuple((row.label, *row.texts) for row in rows),
    )


@dataclass(frozen=True, kw_only=True)
class DatedRow:
    """A day that was planned, and the days within which it was, or will be, reached; None where that is not known."""

    label: str
    due: dt.date
    low: dt.date | None
    middle: dt.date | None
    high: dt.date | None
    cells: tuple[str, ...]
    """As the table writes them, after the label."""


def timeline(rows: Sequence[DatedRow], *, today: dt.date, title: str, heads: tuple[str, ...]) -> Chart:
    """For each row a hollow mark at the day that was planned, a dot where it was or will be reached, and its range; a line
    stands at ``today``. The first cell stands below the label."""
    days = [each.toordinal() for row in rows for each in (row.due, row.low, row.middle, row.high) if each is not None]
    first, last = min([*days, today.toordinal()]), max([*days, today.toordinal()])
    left, right = WIDTH * LABELS, WIDTH - 14
    scale = (right - left) / max(1, last - first)

    def at(day: dt.date) -> float:
        return left + (day.toordinal() - first) * scale

    parts, y = [], 8.0
    for row in rows:
        lines = wrap(row.label, width=left - 12, size=SIZE)
        middle = y + 12
        for number, line in enumerate(lines):
            parts.append(_text(0, middle + number * LINE + 4.5, line))
        parts.append(_text(0, middle + len(lines) * LINE + 3, row.cells[0], kind="muted"))
        parts.append(f'<path class="grid" d="M{left:.1f} {middle:.1f}H{right:.1f}"/>')
        if row.low is not None and row.high is not None and row.low < row.high:
            parts.append(f'<path class="range" d="M{at(row.low):.1f} {middle:.1f}H{at(row.high):.1f}"/>')
        parts.append(f'<circle class="hollow" cx="{at(row.due):.1f}" cy="{middle:.1f}" r="6"/>')
        if row.middle is not None:
            parts.append(f'<circle class="mark" cx="{at(row.middle):.1f}" cy="{middle:.1f}" r="4"/>')
        y += 22 + len(lines) * LINE + 6
    parts.append(f'<path class="axis" d="M{at(today):.1f} 0V{y:.1f}"/>')
    return Chart(
        title=title,
        svg=_picture(parts, y + 2, title),
        heads=heads,
        rows=tuple((row.label, *row.cells) for row in rows),
    )


@dataclass(frozen=True, kw_only=True)
class HeatCell:
    """One number of a matrix and how it is written; None: not shown."""

    value: float | None
    text: str


def heat_map(names: Sequence[str], rows: Sequence[Sequence[HeatCell]], *, title: str, corner: str) -> Chart:
    """A matrix whose darker cells hold larger numbers, each written in its cell; ``corner`` says what rows and columns are."""
    left = min(WIDTH * 0.3, max([0.0, *(text_width(name, SIZE) for name in names)]) + 10)
    side = min(72.0, (WIDTH - left) / max(1, len(names)))
    slanted = any(text_width(name, 12) > side - 4 for name in names)
    top = 24.0 + (0.6 * max(text_width(name, 12) for name in names) if slanted else 0.0)
    tall, most = min(38.0, side), max([1.0, *(cell.value for row in rows for cell in row if cell.value is not None)])
    parts = []
    for at, name in enumerate(names):
        x, y = left + (at + 0.5) * side, top - 8
        turn = f' transform="rotate(-35 {x:.1f} {y:.1f})"' if slanted else ""
        anchor = "start" if slanted else "middle"
        parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="muted"{turn}>{escape(name)}</text>')
    for down, (name, row) in enumerate(zip(names, rows, strict=True)):
        y = top + down * tall
        parts.append(_text(left - 8, y + tall / 2 + 4.5, name, anchor="end"))
        for at, cell in enumerate(row):
            x = left + at * side
            box = f'x="{x + 1:.1f}" y="{y + 1:.1f}" width="{side - 2:.1f}" height="{tall - 2:.1f}" rx="2"'
            shade = 0.04 + 0.46 * cell.value / most if cell.value is not None else None
            parts.append(
                f'<rect class="faint" fill-opacity=".25" {box}/>'
                if shade is None
                else f'<rect class="bar" fill-opacity="{shade:.2f}" {box}/>'
            )
            parts.append(_text(x + side / 2, y + tall / 2 + 4.5, cell.text, anchor="middle"))
    table = tuple((name, *(cell.text for cell in row)) for name, row in zip(names, rows, strict=True))
    height = top + len(names) * tall + 2
    return Chart(title=title, svg=_picture(parts, height, title), heads=(corner, *names), rows=table)


def spread(counts: Sequence[int], *, target: float, title: str, ends: tuple[str, str, str]) -> Markup:
    """A small picture of ``counts`` as columns; ``target``: the column at which its line stands; ``ends``: labels of the start,
    the target and the end."""
    step, high = SMALL_WIDTH / max(1, len(counts)), max([1, *counts])
    parts = []
    for at, count in enumerate(counts):
        tall = count / high * (SMALL_FLOOR - 4)
        parts.append(
            f'<rect class="bar" x="{at * step + 1:.1f}" y="{SMALL_FLOOR - tall:.1f}" width="{step - 2:.1f}" height="{tall:.1f}"/>'
        )
    parts.append(f'<path class="grid" d="M0 {SMALL_FLOOR:g}H{SMALL_WIDTH:g}"/>')
    parts.append(f'<path class="axis" d="M{target * step:.1f} 0V{SMALL_FLOOR:g}"/>')
    for x, anchor, label in zip((0.0, target * step, SMALL_WIDTH), ("start", "middle", "end"), ends, strict=True):
        parts.append(_text(x, SMALL_FLOOR + 12, label, anchor=anchor, kind="muted"))
    return _picture(parts, SMALL_FLOOR + 14, title, width=SMALL_WIDTH)


def _text(x: float, y: float, content: str, *, anchor: str = "start", kind: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}">{escape(content)}</text>'


def _picture(parts: Iterable[str], height: float, title: str, *, width: float = WIDTH) -> Markup:
    name = escape(title)
    return Markup(
        f'<svg class="chart" viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" role="img"'
        f' aria-label="{name}">{"".join(parts)}</svg>'
    )
