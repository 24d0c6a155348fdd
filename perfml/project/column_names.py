"""The grammar of column names: a template filled with kind and window, and ``_<relation>_z`` for a comparison."""

from __future__ import annotations

import re
from typing import get_args

from perfml.project.spec import Relation

_COMPARISON = re.compile(rf"_({'|'.join(get_args(Relation))})_z$")


def comparison_name(column: str, relation: Relation) -> str:
    """The name of the z-score of ``column`` within ``relation``.

    >>> comparison_name("logins_28d", "team")
    'logins_28d_team_z'
    """
    return f"{column}_{relation}_z"


def compared_column(name: str) -> str:
    """The column that ``name`` compares; ``name`` itself where it is no comparison.

    >>> compared_column("logins_28d_team_z"), compared_column("logins_28d")
    ('logins_28d', 'logins_28d')
    """
    return _COMPARISON.sub("", name)


def fill(template: str, *, kind: str, window: int) -> str:
    """Put a kind and a window in days into a template; texts in both languages have the same fields.

    >>> fill("{kind}_count_{window}d", kind="login", window=28)
    'login_count_28d'
    """
    return template.replace("{kind}", kind).replace("{window}", str(window))


def matches(template: str, column: str) -> bool:
    """Whether the template gives ``column`` for some kind and window.

    >>> matches("{kind}_count_{window}d", "code_review_count_28d"), matches("{kind}_count_{window}d", "logins")
    (True, False)
    """
    pattern = re.escape(template).replace(r"\{kind\}", r"\w+").replace(r"\{window\}", r"\d+")
    return re.fullmatch(pattern, column) is not None
