"""What is proposed for an export: tables, columns with reasons, and the questions that only a person can answer."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from perfml.errors import DataError
from perfml.mapping.sheets import Sheet
from perfml.messages.message import Message
from perfml.project.mapping_spec import ColumnMapping, MappingSpec, Unpivot

Standing = Literal["sure", "assumed", "asked"]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One answer to a question: in words, and what it makes of the column (nothing: it is left out)."""

    text: Message
    mapping: ColumnMapping | None


@dataclass(frozen=True, kw_only=True)
class ColumnProposal:
    """One column of a table, and where it comes from.

    *sure*: it is used. *assumed*: it is used, and a person should confirm it. *asked*: it is not used before a person has
    chosen one of ``choices``.
    """

    target: str
    mapping: ColumnMapping
    confidence: float
    standing: Standing
    reason: Message
    choices: tuple[Choice, ...] = ()

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns of the export that it needs."""
        return self.mapping.reads


@dataclass(frozen=True, kw_only=True)
class Question:
    """What a person has to decide: about which column of which table, and the answers."""

    table: str
    column: ColumnProposal
    required: bool
    """Whether the table cannot be read without the column."""


@dataclass(frozen=True, kw_only=True)
class TableProposal:
    """One table from one sheet of the export."""

    table: str
    sheet: Sheet
    columns: tuple[ColumnProposal, ...]
    unpivot: Unpivot | None = None
    decimal: Literal[".", ","] = "."
    rows_with: tuple[str, ...] = ()
    required: frozenset[str] = frozenset()
    scale: tuple[float, float] | None = None
    """Of reviews: the worst and best rating, where it is not the contract's scale."""
    low_at_most: float | None = None

    @property
    def reads(self) -> frozenset[str]:
        """The columns of the export that it needs."""
        wide = frozenset(self.unpivot.columns) if self.unpivot else frozenset[str]()
        return wide | {name for column in self.columns for name in column.reads}

    def spec(self) -> MappingSpec:
        """The definition that it proposes, without what waits for an answer."""
        used = {column.target: column.mapping for column in self.columns if column.standing != "asked"}
        return MappingSpec(
            table=self.table,
            file=self.sheet.file,
            query=self.sheet.query,
            sheet=self.sheet.sheet,
            encoding=self.sheet.encoding,
            delimiter=self.sheet.delimiter,
            header_row=self.sheet.header_row,
            header_rows=self.sheet.header_rows,
            decimal=self.decimal,
            rows_with=self.rows_with,
            fill_down=tuple(name for name in self.sheet.fill_down if name in self.reads),
            columns=used,
            unpivot=self.unpivot,
        )


@dataclass(frozen=True, kw_only=True)
class MappingProposal:
    """The mapping proposed for an export."""

    source: str
    tables: tuple[TableProposal, ...]
    unused: tuple[Sheet, ...] = ()
    """Sheets that are none of the tables."""
    problems: tuple[DataError, ...] = field(default=())
    """Files that could not be read."""

    def questions(self) -> Iterator[Question]:
        """What is asked, and what is assumed and should be confirmed; questions first that keep a table from being read."""
        listed = [(table, column) for table in self.tables for column in table.columns if column.standing != "sure"]
        for table, column in sorted(
            listed, key=lambda each: (each[1].standing == "assumed", each[1].target not in each[0].required)
        ):
            yield Question(table=table.table, column=column, required=column.target in table.required)

    def likenesses(self, *, besides: Container[str] = ()) -> list[Message]:
        """What each sheet looks like, with its first columns; tables ``besides`` those that are read already."""
        return [
            Message.of(
                "looks_like",
                sheet=table.sheet.title,
                table=table.table,
                columns=", ".join(
                    f"{' + '.join(column.reads)} → {column.target}" for column in table.columns if column.reads
                ),
            )
            for table in self.tables
            if table.table not in besides and table.sheet.title != table.table
        ]

    def answered(self, answers: Mapping[tuple[str, str], ColumnMapping | None]) -> MappingProposal:
        """This proposal with answers to its questions: (table, column) → how it is read; None leaves the column out."""

        def decided(table: TableProposal) -> TableProposal:
            columns = []
            for column in table.columns:
                if (table.table, column.target) not in answers:
                    columns.append(column)
                elif (mapping := answers[table.table, column.target]) is not None:
                    columns.append(replace(column, mapping=mapping, confidence=1.0, standing="sure"))
            return replace(table, columns=tuple(columns))

        return replace(self, tables=tuple(map(decided, self.tables)))

    def ignored(self, sheet: Sheet) -> list[str]:
        """The columns of a sheet that no table reads."""
        read = {name for table in self.tables if table.sheet is sheet for name in table.reads}
        return [name for name in sheet.columns if name not in read]
