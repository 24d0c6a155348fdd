"""The package for an adverse outcome: what the system is, the part it played, inputs and their sources, how to correct them,
and how to get a human review; in Chinese and English, as one HTML or Markdown file that opens without a network."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from perfml.evidence.sources import Data
from perfml.evidence.tables.reading import quoted
from perfml.messages import Bilingual, Language, Message, render
from perfml.project.folder import Definitions
from perfml.project.trust.notice_spec import NoticesSpec
from perfml.trust.notices.notice_log import NoticeState

if TYPE_CHECKING:  # a floor above
    from perfml.scoring.voiced import VoicedScore

LANGUAGES: tuple[Language, ...] = ("zh", "en")
Line = Message | Bilingual


@dataclass(frozen=True, kw_only=True)
class Section:
    """A heading and what stands below it."""

    title: Message
    lines: tuple[Line, ...]
    rows: tuple[Line, ...] = ()
    """Shown as a list."""


@dataclass(frozen=True, kw_only=True)
class Package:
    """What a person gets to read, section by section."""

    employee_id: str
    title: Message
    sections: tuple[Section, ...]

    def markdown(self) -> str:
        """As Markdown, Chinese first. What data hold is text, and no markup."""
        parts = []
        for language in LANGUAGES:
            parts += [f"# {_plain(_worded(self.title, language))}", ""]
            for section in self.sections:
                parts += [f"## {_worded(section.title, language)}", ""]
                parts += [line for each in section.lines for line in (_plain(_worded(each, language)), "")]
                parts += [f"- {_plain(_worded(row, language))}" for row in section.rows] + [""] * bool(section.rows)
        return "\n".join(parts)

    def html(self) -> str:
        """As one HTML page without script, Chinese first."""
        body = []
        for language in LANGUAGES:
            body.append(f'<article lang="{language}"><h1>{escape(_worded(self.title, language))}</h1>')
            for section in self.sections:
                body.append(f"<h2>{escape(_worded(section.title, language))}</h2>")
                body += [f"<p>{escape(_worded(line, language))}</p>" for line in section.lines]
                rows = "".join(f"<li>{escape(_worded(row, language))}</li>" for row in section.rows)
                body.append(f"<ul>{rows}</ul>" if rows else "")
            body.append("</article>")
        return _PAGE.format(title=escape(_worded(self.title, "zh")), body="\n".join(body))


_PAGE = """<!doctype html>
<html lang="zh"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>body{{font:16px/1.6 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem}}
h1{{font-size:1.5rem}}h2{{font-size:1.1rem;margin-top:1.6rem}}article+article{{border-top:1px solid #999;margin-top:3rem}}</style>
</head><body>
{body}
</body></html>
"""


def package(
    data: Data,
    definitions: Definitions,
    spec: NoticesSpec,
    state: NoticeState,
    scores: Sequence[tuple[Bilingual, VoicedScore]],
    *,
    as_of: dt.date,
    issued_on: dt.date,
) -> Package:
    """The package of the person of ``state``, from what was known before ``as_of``.

    ``scores``: title of the model, and what the employee may read of each score.
    """
    due = [outcome for outcome in state.outcomes if outcome.package_on is None]
    outcomes: list[Line] = [
        Message.of("package_outcome", day=str(each.on), what=each.what, by=each.by) for each in due
    ] or [Message.of("package_no_outcome")]
    newest = state.notices[-1] if state.notices else None
    notice = (
        Message.of("package_no_version")
        if newest is None
        else Message.of("package_version", version=newest.version, day=str(newest.given_on), how=newest.how)
    )
    dates = Message.of("package_as_of", day=str(as_of), issued=str(issued_on), days=spec.package_days)
    inputs: list[Line] = [line for title, score in scores for line in _score_lines(title, score, definitions)]
    return Package(
        employee_id=state.employee_id,
        title=Message.of("package_title", employee=state.employee_id),
        sections=(
            Section(title=Message.of("package_system"), lines=(spec.system.text, dates, notice)),
            Section(title=Message.of("package_part"), lines=(spec.part.text,), rows=tuple(outcomes)),
            Section(
                title=Message.of("package_inputs"),
                lines=() if inputs else (Message.of("package_no_score"),),
                rows=(*inputs, *_row_lines(data, state.employee_id, as_of)),
            ),
            Section(title=Message.of("package_correction"), lines=(spec.correction.text,)),
            Section(title=Message.of("package_review"), lines=(spec.review.text, _reviewer(spec))),
        ),
    )


def _reviewer(spec: NoticesSpec) -> Message:
    if spec.reviewer is None:
        return Message.of("package_no_reviewer")
    return Message.of("package_reviewer", name=spec.reviewer.name, address=spec.reviewer.recipient)


def _score_lines(title: Bilingual, score: VoicedScore, definitions: Definitions) -> list[Line]:
    status = (
        Message.of("package_scored")
        if score.status == "scored"
        else Message.of("package_not_scored", why=score.why_not or score.status)
    )
    lines: list[Line] = [Message.of("package_score", title=title, days=score.horizon_days, status=status)]
    for reason in score.reasons:
        text, owner = Bilingual(en=reason.en, zh=reason.zh), _OWNERS[reason.owner]
        source = sources_of(definitions).get(reason.evidence.partition(":")[0], reason.evidence)
        lines.append(Message.of("package_reason", reason=text, source=source, owner=owner))
    return lines


_OWNERS: Mapping[str, Bilingual] = {
    "employee": Bilingual(en="yourself", zh="本人"),
    "manager": Bilingual(en="the manager", zh="直属上级"),
    "company": Bilingual(en="the company", zh="公司"),
    "data": Bilingual(en="whoever keeps the data", zh="数据维护人"),
}


def sources_of(definitions: Definitions) -> dict[str, str]:
    """File of evidence → the tables that it is made from."""
    counted = {file.name: "events" for file in definitions.windowed}
    return counted | {file.name: ", ".join(file.spec.needs) for file in definitions.relational}


def _row_lines(data: Data, employee_id: str, as_of: dt.date) -> list[Line]:
    """What each table held of the person before ``as_of``."""
    lines: list[Line] = []
    for name, table in data.specs.items():
        if "employee_id" not in table.columns:
            continue
        rows, first, last = data.connection.execute(
            f"select count(*), min(happened_day), max(happened_day) from {quoted(name)}"
            " where employee_id = ? and usable_day < ?",
            [employee_id, as_of],
        ).fetchall()[0]
        if rows:
            title = Bilingual(en=table.en, zh=table.zh)
            lines.append(Message.of("package_rows", rows=rows, table=title, first=str(first), last=str(last)))
    return lines


def _worded(line: Line, language: Language) -> str:
    if isinstance(line, Bilingual):
        return line.zh if language == "zh" else line.en
    return render(line, language)


def _plain(text: str) -> str:
    """Text that Markdown shows as it is: one line, and no character that begins markup."""
    return "".join(f"\\{each}" if each in "\\*_[]<>#|!" else each for each in " ".join(text.split()))
