"""Markdown of model cards as HTML: headings, paragraphs, lists, bold, italic and code. No tag of a card is left."""

from __future__ import annotations

import re
from collections.abc import Iterator

from markupsafe import Markup, escape

_INLINE = (
    (re.compile(r"`([^`]+)`"), r"<code>\1</code>"),
    (re.compile(r"\*\*(.+?)\*\*"), r"<strong>\1</strong>"),
    (re.compile(r"(?<![*\w])\*([^*\s][^*]*?)\*(?![*\w])"), r"<em>\1</em>"),
)
_ITEM = re.compile(r"(?:[-*]|\d+\.) ")
_HEADING = re.compile(r"(#{1,6}) +(.+)")
FIRST_LEVEL = 3
"""Of a heading of the first level, since a card stands within a section of a page."""


def markdown(text: str) -> Markup:
    """The HTML of ``text``, escaped first, so that no tag of its own is left.

    >>> markdown("# Card\\n**Never** for <b>pay</b>.")
    Markup('<h3>Card</h3><p><strong>Never</strong> for &lt;b&gt;pay&lt;/b&gt;.</p>')
    """
    return Markup("").join(_block(block) for block in _blocks(text))


def inline(text: str) -> Markup:
    """One line with bold, italic and code.

    >>> inline("run `perfml notice` <now>")
    Markup('run <code>perfml notice</code> &lt;now&gt;')
    """
    html = str(escape(text))
    for pattern, replacement in _INLINE:
        html = pattern.sub(replacement, html)
    return Markup(html)


def _blocks(text: str) -> Iterator[list[str]]:
    """Lines that belong together: until an empty one, around a heading, and where a list begins."""
    block: list[str] = []
    for line in text.splitlines():
        heading, item = _HEADING.match(line), _ITEM.match(line)
        if not line.strip() or heading or (item and block and not _ITEM.match(block[0])):
            if block:
                yield block
            block = []
        if heading:
            yield [line]
        elif line.strip():
            block.append(line)
    if block:
        yield block


def _block(lines: list[str]) -> Markup:
    heading = _HEADING.match(lines[0])
    if heading:
        level = min(6, len(heading[1]) + FIRST_LEVEL - 1)
        return Markup(f"<h{level}>{inline(heading[2])}</h{level}>")
    if _ITEM.match(lines[0]):
        items: list[str] = []
        for line in lines:
            item = _ITEM.match(line)
            if item:
                items.append(line[item.end() :])
            else:
                items[-1] += f" {line.strip()}"
        listed = "".join(f"<li>{inline(item)}</li>" for item in items)
        return Markup(f"<ul>{listed}</ul>")
    return Markup(f"<p>{inline(' '.join(line.strip() for line in lines))}</p>")
