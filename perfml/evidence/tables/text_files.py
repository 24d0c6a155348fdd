"""The rows of a text file, its encoding and delimiter recognised from its beginning."""

from __future__ import annotations

import codecs
import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from charset_normalizer import from_bytes

from perfml.errors import DataError

SAMPLE = 1 << 20
"""Bytes from which the encoding is recognised."""
_FIRST_CHARACTERS = 1 << 16
DELIMITERS = ",;\t|"
CHINESE_SHARE = 0.9
"""Share of the characters beyond ASCII that GB2312 must know for a file to be taken for GBK."""
LIKELY = ["cp1252", "cp1250", "cp1251", "big5", "shift_jis", "euc_kr"]
"""Encodings that spreadsheets write beside UTF-8, UTF-16 and GB18030; the first where nothing speaks for another."""
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def text_rows(path: Path, *, encoding: str | None = None, delimiter: str | None = None) -> Iterator[list[str]]:
    """The rows of a text file, in ``encoding`` and with ``delimiter`` or as recognised; one row may span several lines.

    Raises :class:`DataError` with the line that is not in the encoding, or the row that cannot be read.
    """
    number = 0
    try:
        name = encoding or encoding_of(path)
        if codecs.lookup(name).name == "utf-8":
            name = "utf-8-sig"
        with path.open(encoding=name, newline="") as file:
            beginning = file.read(_FIRST_CHARACTERS)
            file.seek(0)
            for number, row in enumerate(csv.reader(file, delimiter=delimiter or recognised_delimiter(beginning)), 1):
                yield row if number > 1 or not row else [row[0].removeprefix("\ufeff"), *row[1:]]
    except LookupError:
        raise DataError(
            f"{encoding!r} is no encoding", where=str(path), remedy="use utf-8, gb18030, utf-16, big5 or cp1252"
        ) from None
    except UnicodeDecodeError:
        raise DataError(
            f"line {_undecodable_line(path, name)} is not {name.removesuffix('-sig')}",
            where=str(path),
            remedy="name its encoding, or export it again as UTF-8",
        ) from None
    except csv.Error as error:
        raise DataError(
            f"row {number + 1} cannot be read ({error})", where=str(path), remedy="export it again, whole"
        ) from None
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror})", where=str(path), remedy="check path and rights") from None


def _undecodable_line(path: Path, encoding: str) -> int:
    content = path.read_bytes()
    try:
        content.decode(encoding)
    except UnicodeDecodeError as error:
        return content[: error.start].count(b"\n") + 1
    return 1


def delimiter_of(path: Path, encoding: str) -> str:
    """The delimiter of a text file, recognised from its beginning."""
    with path.open(encoding=encoding, newline="") as file:
        return recognised_delimiter(file.read(_FIRST_CHARACTERS))


def encoding_of(path: Path) -> str:
    """The encoding of a text file, recognised from its beginning."""
    with path.open("rb") as file:
        content = file.read(SAMPLE + 1)
    return recognised_encoding(content[:SAMPLE], whole=len(content) <= SAMPLE)


def recognised_encoding(content: bytes, *, whole: bool = True) -> str:
    """The encoding of ``content``; unless it is ``whole``, a character cut at its end counts for nothing.

    Marks at the beginning decide, then UTF-8, UTF-16 without a mark, GB18030 where nearly all is everyday Chinese, and last
    what charset-normalizer takes for likely.

    >>> recognised_encoding("工号,姓名".encode("gbk")), recognised_encoding("Müller;Zoë".encode("cp1252"))
    ('gb18030', 'cp1252')
    """
    for mark, name in _MARKS:
        if content.startswith(mark):
            return name
    if _fits(content, "utf-8", whole) is not None and b"\0" not in content:
        return "utf-8"
    if content.count(b"\0") > len(content) // 8:
        return "utf-16-le" if content[1::2].count(0) >= content[::2].count(0) else "utf-16-be"
    text = _fits(content, "gb18030", whole)
    if text is not None:
        beyond = [character for character in text if character > "\x7f"]
        if sum(_everyday(character) for character in beyond) >= CHINESE_SHARE * len(beyond):
            return "gb18030"
    matches = from_bytes(content, cp_isolation=LIKELY)
    best = matches.best()
    alike = {
        name
        for match in matches
        if best is not None and (match.chaos, match.coherence) == (best.chaos, best.coherence)
        for name in match.could_be_from_charset
    }
    name = next((name for name in LIKELY if name in alike), LIKELY[0])
    return name if _fits(content, name, whole) is not None else "latin-1"  # which fits every byte


def recognised_delimiter(text: str) -> str:
    """The delimiter that gives the most rows of the same, largest number of values.

    >>> recognised_delimiter("a;b;c\\n1,5;2;3\\n"), recognised_delimiter("title\\na\\tb\\n1\\t2\\n")
    (';', '\\t')
    """
    lines = text.splitlines()[:200]
    scores = {}
    for delimiter in DELIMITERS:
        try:
            widths = Counter(len(row) for row in csv.reader(lines, delimiter=delimiter) if row)
        except csv.Error:
            continue
        width, rows = max(widths.items(), key=lambda item: (item[0] > 1, item[1]), default=(0, 0))
        scores[delimiter] = (rows if width > 1 else 0, width)
    return max(scores, key=lambda delimiter: scores[delimiter], default=",")


def _everyday(character: str) -> bool:
    try:
        character.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


def _fits(content: bytes, encoding: str, whole: bool) -> str | None:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        return decoder.decode(content, final=whole)
    except UnicodeDecodeError:
        return None
