"""A project for an export: ``perfml.toml``, ``sources/*.toml`` with reasons and questions as comments, and its rating scale."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from perfml.errors import PerfmlError
from perfml.evidence.exports.databases import POSTGRES
from perfml.evidence.lake.storage import S3
from perfml.evidence.tables.secrets import public
from perfml.mapping.proposal import ColumnProposal, MappingProposal, TableProposal
from perfml.messages.message import Language, Message, fill, render
from perfml.project.mapping_spec import ColumnMapping

TOP_SHARE = 0.85
"""Part of a scale from which a rating counts as a top one, where the scale is not the contract's."""


def write_project(
    proposal: MappingProposal, out: Path, *, language: Language = "en", force: bool = False
) -> list[Path]:
    """Write the project into ``out``; comments are in ``language``. Return the files written.

    Raises :class:`PerfmlError` where a file would be overwritten, unless ``force``; nothing is written then.
    """
    texts = _texts(proposal, out, language)
    taken = [out / name for name in texts if (out / name).exists()]
    if taken and not force:
        raise PerfmlError(
            "already exists", where=str(taken[0]), remedy="choose another folder, or overwrite it with --force"
        )
    for name, text in texts.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text(text, encoding="utf-8")
    return [out / name for name in texts]


def _texts(proposal: MappingProposal, out: Path, language: Language) -> dict[str, str]:
    texts = {"perfml.toml": _project(proposal, out, language)}
    for table in proposal.tables:
        name, number = f"sources/{table.table}.toml", 2
        while name in texts:
            name, number = f"sources/{table.table}_{number}.toml", number + 1
        texts[name] = table_text(table, proposal.ignored(table.sheet), language=language)
    scaled = next((table for table in proposal.tables if table.scale is not None), None)
    if scaled is not None and scaled.scale is not None:
        worst, best = scaled.scale
        note = f"# {fill('mapping_scale_note', language)}\n"
        texts["features/sources.toml"] = f"{note}[reviews.scale]\nworst = {worst:g}\nbest = {best:g}\n"
        if scaled.low_at_most is not None:
            texts["models/low_performance.toml"] = f"{note}[label]\nlow_at_most = {scaled.low_at_most:g}\n"
        top = worst + TOP_SHARE * (best - worst)
        stalled = "days_in_level >= 548 and days_in_position >= 548"
        texts["models/attrition.toml"] = (
            f'{note}[segments.regrettable]\nwhere = "last_rating >= {top:g}"\n'
            f'[segments.stalled]\nwhere = "last_rating >= {top:g} and {stalled}"\n'
        )
    return texts


def _project(proposal: MappingProposal, out: Path, language: Language) -> str:
    source, note = proposal.source, ""
    if source.startswith(POSTGRES):
        note = f"# {fill('mapping_password_note', language)}\n" if public(source) != source else ""
        source = public(source)
    elif not source.startswith(S3):
        source = str(Path(source).resolve())
    return f"name = {_string(out.resolve().name)}\n\n[data]\n{note}source = {_string(source)}\n"


def table_text(table: TableProposal, ignored: Iterable[str], *, language: Language) -> str:
    """The text of one file of ``sources/``."""
    sheet = table.sheet
    lines = [f"# {fill('mapping_file_note', language)}", ""]
    settings: Mapping[str, object] = {
        "table": table.table,
        "file": sheet.file,
        "query": sheet.query,
        "sheet": sheet.sheet,
        "encoding": sheet.encoding if sheet.encoding != "utf-8" else None,
        "delimiter": sheet.delimiter if sheet.delimiter != "," else None,
        "header_row": sheet.header_row if sheet.header_row != 1 else None,
        "header_rows": sheet.header_rows if sheet.header_rows != 1 else None,
        "decimal": table.decimal if table.decimal != "." else None,
        "rows_with": list(table.rows_with) or None,
        "fill_down": list(table.spec().fill_down) or None,
    }
    lines += [f"{key} = {_value(value)}" for key, value in settings.items() if value is not None]
    names = list(ignored)
    if names:
        lines += ["", f"# {fill('mapping_not_read', language, columns=', '.join(names))}"]
    lines += ["", "[columns]"]
    for column in table.columns:
        lines += _column_lines(table.table, column, language)
    if table.unpivot is not None:
        lines += ["", f"# {render(Message.of('mapping_unpivoted'), language)}", "[unpivot.columns]"]
        lines += [f"{_key(name)} = {_value(label)}" for name, label in table.unpivot.columns.items()]
    return "\n".join(lines) + "\n"


def _column_lines(table: str, column: ColumnProposal, language: Language) -> list[str]:
    reason = render(column.reason, language)
    share = f"{column.confidence:.0%}"
    if column.standing == "sure":
        return [f"{column.target} = {_mapping(column.mapping)}  # {share}: {reason}"]
    if column.standing == "assumed":
        note = fill("mapping_assumed_note", language, reason=reason)
        return [f"# {share}: {note}", f"{column.target} = {_mapping(column.mapping)}"]
    question = fill("mapping_question_note", language, question=f"{table}.{column.target}: {reason}")
    lines = [f"# {question}"]
    for choice in column.choices:
        text = render(choice.text, language)
        line = f"{column.target} = {_mapping(choice.mapping)}  # {text}" if choice.mapping else f"# {text}"
        lines.append(f"# {line}" if choice.mapping else line)
    return lines


def _mapping(mapping: ColumnMapping) -> str:
    given = mapping.model_dump(exclude_defaults=True)
    if set(given) == {"column"}:
        return _value(given["column"])
    return _value(given)


def _key(name: str) -> str:
    return name if name.isascii() and name.replace("_", "").replace("-", "").isalnum() else _string(name)


def _string(text: str) -> str:
    """A basic string of TOML, which is one of JSON but for the character DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(value: object) -> str:
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(str(key))} = {_value(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return str(value)
