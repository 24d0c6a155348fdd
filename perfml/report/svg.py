"""The SVG elements of the pictures.

Colours are CSS variables with a fallback, so that a picture follows the light or dark page around it and also works
alone in a notebook. The width of text is not known here: it is estimated generously, and long labels are wrapped.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable
from html import escape

INK = "currentColor"
MUTED = "var(--muted,#5b6470)"
GRID = "var(--line,#d5dae1)"
HALO = "paint-order:stroke;stroke:var(--paper,transparent);stroke-width:3px"
"""Keeps text readable where a line passes behind it."""
FONT = "system-ui,-apple-system,'Segoe UI','PingFang SC','Microsoft YaHei','Noto Sans CJK SC',sans-serif"


def picture(parts: Iterable[str], *, width: float, height: float, title: str, text_size: float = 13) -> str:
    """A complete SVG document; ``title`` is read out by screen readers."""
    name = escape(title)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}"'
        f' width="{width:g}" height="{height:g}"'
        f' role="img" aria-label="{name}" style="max-width:100%;height:auto;font:{text_size:g}px {FONT}">'
        f"<title>{name}</title>{''.join(parts)}</svg>"
    )


def text(
    x: float, y: float, content: str, *, anchor: str = "start", fill: str = INK, size: float = 13, bold: bool = False
) -> str:
    """Text on the base line ``y``; ``anchor`` is start, middle or end."""
    weight = ";font-weight:600" if bold else ""
    style = f"fill:{fill};font-size:{size:g}px{weight};{HALO}"
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" style="{style}">{escape(content)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, *, stroke: str = GRID, width: float = 1, dash: str = "") -> str:
    """A straight line."""
    dashes = f";stroke-dasharray:{dash}" if dash else ""
    style = f"fill:none;stroke:{stroke};stroke-width:{width:g}{dashes}"
    return f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" style="{style}"/>'


def shape(points: Iterable[tuple[float, float]], *, fill: str, stroke: str = "none") -> str:
    """A filled polygon."""
    corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polygon points="{corners}" style="fill:{fill};stroke:{stroke};stroke-width:2"/>'


def dot(x: float, y: float, *, radius: float = 5, fill: str = INK) -> str:
    """A filled circle."""
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" style="fill:{fill}"/>'


def diamond(x: float, y: float, *, radius: float = 6, stroke: str = INK) -> str:
    """A hollow diamond, distinct from a dot without colour."""
    return shape(
        [(x - radius, y), (x, y - radius), (x + radius, y), (x, y + radius)], fill="var(--paper,#fff)", stroke=stroke
    )


def text_width(content: str, size: float) -> float:
    """Estimate a width: a Chinese character is a square, a Latin letter a little over half of one."""
    return size * sum(1.0 if unicodedata.east_asian_width(c) in "WF" else 0.56 for c in content)


def wrap(content: str, *, width: float, size: float) -> list[str]:
    """Break text into lines of about ``width``: at spaces, between Chinese characters, else within a word.

    >>> wrap("days in the present level", width=105, size=13)
    ['days in the', 'present level']
    >>> wrap("在当前职级的天数", width=60, size=13)
    ['在当前职', '级的天数']
    """
    lines, current = [], ""
    for piece in _pieces(content):
        while text_width(piece.strip(), size) > width and len(piece) > 1:
            fitting = max(1, int((width - text_width(current, size)) / (0.56 * size)))
            lines.append(current + piece[:fitting])
            current, piece = "", piece[fitting:]
        if current and text_width((current + piece).rstrip(), size) > width:
            lines.append(current.rstrip())
            current = ""
        current += piece.lstrip() if not current else piece
    return [*lines, current.rstrip()] if current.strip() or not lines else lines


def _pieces(content: str) -> list[str]:
    """The parts between which a line may break; closing punctuation stays with the part before it."""
    pieces = [""]
    for c in content:
        wide = unicodedata.east_asian_width(c) in "WF"
        if (wide and c not in "，。：；、）！？”" and pieces[-1] and pieces[-1][-1] not in "（“") or (
            pieces[-1]
            and not wide
            and (pieces[-1][-1] == " " or unicodedata.east_asian_width(pieces[-1][-1]) in "WF")
            and c != " "
        ):
            pieces.append(c)
        else:
            pieces[-1] += c
    return pieces


def ticks(low: float, high: float, *, count: int = 4) -> list[float]:
    """About ``count`` round numbers within [low, high].

    >>> ticks(0.52, 0.87)
    [0.6, 0.7, 0.8]
    """
    raw = (high - low) / max(1, count)
    if not raw > 0:
        return [low]
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= raw * 0.999)
    return [round(i * step, 10) for i in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]
