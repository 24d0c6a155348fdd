"""Protected attributes of people, for audits only: no table that a model learns from or scores contains them."""

from __future__ import annotations

import numpy as np

from perfml.arrays import Dates, Objects
from perfml.evidence.sources import Data
from perfml.evidence.tables.reading import quoted
from perfml.learning.fairness.audit import age_bands

BIRTH_YEAR = "birth_year"


def protected_groups(data: Data, person: Objects, as_of: Dates) -> dict[str, Objects]:
    """Return each row's group for every column marked protected in ``features/sources.toml`` and present; None if unknown.

    ``birth_year`` becomes bands of age at the as-of date, under the name ``age``.
    """
    columns = [c for c in data.columns["employees"] if data.specs["employees"].columns[c].protected]
    if not columns:
        return {}
    wanted = ", ".join(quoted(c) for c in columns)
    held = data.connection.execute(f"select employee_id, {wanted} from employees").df().drop_duplicates("employee_id")
    attributes = held.set_index("employee_id").reindex(person)
    out: dict[str, Objects] = {}
    for column in columns:
        if column == BIRTH_YEAR:
            out["age"] = age_bands(attributes[column].to_numpy(dtype=np.float64, na_value=np.nan), as_of)
        else:
            text = attributes[column].astype(object)
            out[column] = np.array(
                [str(v) if given else None for v, given in zip(text, text.notna(), strict=True)], object
            )
    return out
