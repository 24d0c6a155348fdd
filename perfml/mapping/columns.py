"""From a column of the export to the column of a table: how it is read, how sure that is, and what has to be asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from perfml.mapping.candidates import SURE, Candidate
from perfml.mapping.naming.fitting import EXACT
from perfml.mapping.profiles import ColumnProfile
from perfml.mapping.proposal import Choice, ColumnProposal, Standing
from perfml.mapping.units import bare
from perfml.mapping.values import RatingScale, exit_kinds, levels, rating_scale
from perfml.messages.message import Message
from perfml.project.mapping_spec import Cell, ColumnMapping

CERTAIN = 0.98
"""The highest confidence of a proposal: nobody has confirmed it."""
UNSURE, ASSUMED = 0.5, 0.6
"""Confidence in what is asked, and in what is used until a person says otherwise."""
FEW = 0.2
"""Share of unknown causes of leaving up to which they count as "other"."""
SHOWN = 6
"""Values quoted in a question."""
LEAVE = Choice(text=Message.of("mapping_choice_leave"), mapping=None)
PERCENT, SHARE = ("%", "％", "percent", "pct"), 0.01
EXIT_KINDS = ("voluntary", "involuntary", "other")


def proposed(
    table: str, target: str, candidate: Candidate, *, formats: Mapping[str, str], width: int | None
) -> ColumnProposal:
    """The proposal for one column of ``table``.

    ``formats``: column of the sheet → the format of its dates, where it is settled. ``width``: how long the ids of people are,
    where spreadsheets have removed the zeros of some.
    """
    column = candidate.column
    reason = _reason(candidate)
    if (table, target) == ("reviews", "rating"):
        return _rating(column, candidate.score, reason)
    if (table, target) == ("exits", "kind"):
        return _exit_kind(column, candidate.score, reason)
    if (table, target) == ("positions", "level") and column.content == "text":
        return _level(column, candidate.score, reason)
    if column.formats and column.name not in formats:
        return _ambiguous_date(target, column)
    mapping = ColumnMapping(
        column=column.name,
        format=formats.get(column.name, ()),
        last_day_of="month" if column.content == "month" and target == "happened_at" else None,
        width=width if target.endswith("_id") and _is_shorter(column, width) else None,
        units=units_read(table, target, column),
    )
    if candidate.rivals:
        options = (column.name, *candidate.rivals)
        return ColumnProposal(
            target=target,
            mapping=mapping,
            confidence=UNSURE,
            standing="asked",
            reason=Message.of("mapping_rivals", column=column.name, other=candidate.rivals[0]),
            choices=(
                *(
                    Choice(
                        text=Message.of("mapping_choice_use", column=name),
                        mapping=ColumnMapping(column=name, format=formats.get(name, ())),
                    )
                    for name in options
                ),
                LEAVE,
            ),
        )
    return settled(target, mapping, candidate.score, reason)


def settled(target: str, mapping: ColumnMapping, score: float, reason: Message) -> ColumnProposal:
    """A proposal that is used where it is sure, and asked otherwise."""
    confidence = round(min(score, CERTAIN), 2)
    if confidence >= SURE:
        return ColumnProposal(target=target, mapping=mapping, confidence=confidence, standing="sure", reason=reason)
    use = Choice(text=Message.of("mapping_choice_use", column=" + ".join(mapping.reads)), mapping=mapping)
    return ColumnProposal(
        target=target,
        mapping=mapping,
        confidence=confidence,
        standing="asked",
        reason=Message.of("mapping_unsure", reason=reason),
        choices=(use, LEAVE),
    )


def assumed(target: str, mapping: ColumnMapping, reason: Message, *, confidence: float = ASSUMED) -> ColumnProposal:
    """A proposal that is used, and that a person should confirm."""
    use = Choice(
        text=Message.of("mapping_choice_use", column=" + ".join(mapping.reads) or str(mapping.constant)),
        mapping=mapping,
    )
    return ColumnProposal(
        target=target, mapping=mapping, confidence=confidence, standing="assumed", reason=reason, choices=(use, LEAVE)
    )


def missing(table: str, target: str) -> ColumnProposal:
    """The question for a column that the table needs and the export does not have."""
    kinds = EXIT_KINDS if (table, target) == ("exits", "kind") else ()
    return ColumnProposal(
        target=target,
        mapping=ColumnMapping(constant=""),
        confidence=0.0,
        standing="asked",
        reason=Message.of("mapping_not_given"),
        choices=tuple(
            Choice(text=Message.of("mapping_choice_kind", kind=kind), mapping=ColumnMapping(constant=kind))
            for kind in kinds
        ),
    )


def units_read(table: str, target: str, column: ColumnProfile) -> dict[str, float]:
    """The units behind the numbers of a column; percents become shares where the table has shares."""
    share = SHARE if (table, target) == ("signals", "value") else 1
    return {unit: factor * (share if unit in PERCENT else 1) for unit, factor in column.units.items()}


def scale_of(column: ColumnProfile) -> RatingScale | None:
    """The rating scale of a column."""
    return rating_scale(column.numbers, name=column.label) if column.is_choice or column.content != "text" else None


def _reason(candidate: Candidate) -> Message:
    if candidate.by == "joins":
        return Message.of("mapping_by_joins", percent=round(100 * candidate.joined))
    if candidate.by == "key":
        return Message.of("mapping_by_key")
    if candidate.by == "content":
        return Message.of("mapping_by_content")
    if candidate.name.score == EXACT:
        return Message.of("mapping_named")
    return Message.of("mapping_named_in_part", synonym=candidate.name.synonym)


def _is_shorter(column: ColumnProfile, width: int | None) -> bool:
    return (
        width is not None and any(length < width for length in column.lengths) and all(map(str.isdigit, column.values))
    )


def _quoted(values: Sequence[str]) -> str:
    listed = ", ".join(values[:SHOWN])
    return f"{listed} …" if len(values) > SHOWN else listed


def _rating(column: ColumnProfile, score: float, reason: Message) -> ColumnProposal:
    scale = scale_of(column)
    plain = ColumnMapping(column=column.name, units=dict(column.units))
    if scale is None:
        question = Message.of("mapping_rating_unknown", values=_quoted(column.values))
        return ColumnProposal(
            target="rating", mapping=plain, confidence=UNSURE, standing="asked", reason=question, choices=(LEAVE,)
        )
    mapping = plain.model_copy(update={"values": _cells(scale.values)})
    if scale.certain:
        if scale.values:
            reason = Message.of("mapping_rating_words", levels=_quoted(_best_first(scale.values)))
        return settled("rating", mapping, score, reason)
    if scale.values:
        question = Message.of("mapping_rating_unknown", values=_quoted(scale.unknown or _best_first(scale.values)))
    else:
        question = Message.of(
            "mapping_rating_direction", low=f"{min(_numbers(column)):g}", high=f"{max(_numbers(column)):g}"
        )
    turned = ColumnMapping(column=column.name, values=_turned(column, scale))
    return ColumnProposal(
        target="rating",
        mapping=mapping,
        confidence=UNSURE,
        standing="asked",
        reason=question,
        choices=(
            Choice(text=Message.of("mapping_choice_highest"), mapping=mapping),
            Choice(text=Message.of("mapping_choice_lowest"), mapping=turned),
        ),
    )


def _numbers(column: ColumnProfile) -> list[float]:
    return [float(value.replace(",", ".")) for value in column.numbers]


def _cells(values: Mapping[str, float]) -> dict[str, Cell]:
    return {value: int(number) if number == int(number) else number for value, number in values.items()}


def _best_first(values: Mapping[str, float]) -> list[str]:
    return [f"{value} = {number:g}" for value, number in sorted(values.items(), key=lambda item: -item[1])]


def _turned(column: ColumnProfile, scale: RatingScale) -> dict[str, Cell]:
    read = scale.values or {value: float(bare(value).replace(",", ".")) for value in column.every}
    total = max(read.values()) + min(read.values())
    return _cells({value: round(total - number, 6) for value, number in read.items()})


def _exit_kind(column: ColumnProfile, score: float, reason: Message) -> ColumnProposal:
    known, unknown = exit_kinds(column.values)
    translated: dict[str, Cell] = {value: kind for value, kind in known.items() if value != kind}
    plain: dict[str, Cell] = {value: kind for value, kind in known.items() if value == kind}
    if not unknown:
        values = translated | plain if translated else {}
        return settled("kind", ColumnMapping(column=column.name, values=values), score, reason)

    def counted_as(kind: str) -> ColumnMapping:
        return ColumnMapping(column=column.name, values={**translated, **plain, **dict.fromkeys(unknown, kind)})

    if len(unknown) <= FEW * column.distinct:
        return assumed("kind", counted_as("other"), Message.of("mapping_exits_assumed", values=_quoted(unknown)))
    return ColumnProposal(
        target="kind",
        mapping=counted_as("other"),
        confidence=UNSURE,
        standing="asked",
        reason=Message.of("mapping_exits_unknown", values=_quoted(unknown)),
        choices=tuple(
            Choice(text=Message.of("mapping_choice_kind", kind=kind), mapping=counted_as(kind)) for kind in EXIT_KINDS
        ),
    )


def _level(column: ColumnProfile, score: float, reason: Message) -> ColumnProposal:
    read = levels(column.values) if column.is_choice else None
    if read is not None:
        return settled(
            "level",
            ColumnMapping(column=column.name, values=dict(sorted(read.items(), key=lambda item: item[1]))),
            score,
            reason,
        )
    return ColumnProposal(
        target="level",
        mapping=ColumnMapping(column=column.name),
        confidence=UNSURE,
        standing="asked",
        reason=Message.of("mapping_levels_mixed", values=_quoted(column.values)),
        choices=(LEAVE,),
    )


def _ambiguous_date(target: str, column: ColumnProfile) -> ColumnProposal:
    standing: Standing = "asked"
    return ColumnProposal(
        target=target,
        mapping=ColumnMapping(column=column.name, format=column.formats[0]),
        confidence=UNSURE,
        standing=standing,
        reason=Message.of("mapping_day_or_month", example=column.values[0]),
        choices=tuple(
            Choice(
                text=Message.of("mapping_choice_format", style=style),
                mapping=ColumnMapping(column=column.name, format=style),
            )
            for style in column.formats
        ),
    )
