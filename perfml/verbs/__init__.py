"""The verbs that turn a company's tables into explained scores and suggestions. Commands and routes only translate to them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from perfml.errors import PerfmlError
from perfml.evidence.check import CheckReport, check
from perfml.evidence.features import Evidence, build, write
from perfml.verbs.advising import Advising
from perfml.verbs.learning import Learning
from perfml.verbs.opening import Dates, Source, date_of, dates_of

__all__ = ["Project"]


class Project(Learning, Advising):
    """A folder of definitions, with the verbs that turn a company's tables into explained scores.

    ``root``: the project (default: the working folder if it is one, else the starter project that perfml ships);
    ``home``: where models and scores live (default ``PERFML_HOME``, else ``<root>/var``); ``progress`` is called with
    what is being done, how much is done, and of how much. ``data`` in each verb is a folder of CSV or Parquet, a DuckDB
    file or a ``postgresql://`` URL (default: ``perfml.toml``'s ``[data] source``).
    """

    def check(self, data: Source | None = None) -> CheckReport:
        """What the tables hold, what is wrong with them, and what can be computed from them."""
        opened = self.open(data, strict=False)
        try:
            return check(opened, self.folder.definitions, self.folder.models)
        finally:
            opened.close()

    def features(self, data: Source | None = None, *, as_of: Dates) -> pd.DataFrame:
        """The evidence of everyone employed at each as-of date: one row (employee_id, as_of), one column a feature."""
        return self.evidence(data, as_of=as_of).frame

    def evidence(self, data: Source | None = None, *, as_of: Dates) -> Evidence:
        """Like :meth:`features`, with what each column means and what was left out."""
        opened = self.open(data)
        try:
            return build(opened, self.folder.definitions, dates_of(as_of), progress=self.progress)
        finally:
            opened.close()

    def write_features(self, data: Source | None, out: Path, *, as_of: Dates) -> int:
        """Write the evidence to a Parquet file in bounded memory; return its rows."""
        opened = self.open(data)
        try:
            return write(opened, self.folder.definitions, dates_of(as_of), out, progress=self.progress)
        finally:
            opened.close()

    def report(self, out: str | Path, *, as_of: dt.date | str | None = None, title: str | None = None) -> Path:
        """Write the self-contained HTML report of all models that were scored at ``as_of`` (default: the newest date kept),
        with the newest suggestions that are no later.

        Raises :class:`PerfmlError` where nothing has been scored, :class:`ModelError` where a model was trained anew since.
        """
        from perfml.learning.registry.model_store import load
        from perfml.report import write_report

        kept = {name: sorted((self.home / "scores" / name).glob("*.parquet")) for name in self.folder.models}
        dates = sorted({path.stem for paths in kept.values() for path in paths})
        if not dates:
            raise PerfmlError(
                "nothing has been scored", where=str(self.home), remedy="run `perfml score MODEL --data …`"
            )
        day = date_of(as_of) if as_of else date_of(dates[-1])
        paths = {name: path for name, there in kept.items() for path in there if path.stem == day.isoformat()}
        if not paths:
            raise PerfmlError(
                "was not scored", where=f"as-of date {day}", remedy=f"use one of: {', '.join(dates[-5:])}"
            )
        return write_report(
            Path(out),
            title=title or self.folder.spec.name,
            as_of=day,
            models=[load(self.home, name) for name in paths],
            scores=[pq.read_table(path) for path in paths.values()],
            advice=self.advice(list(paths), day),
        )
