"""The grammar of column names: a template filled with kind, window and number of events, ``_<relation>_z`` for a comparison, and
``_team_sum`` or ``_team_share`` for what the rest of a team has."""

from __future__ import annotations

import re
from typing import get_args

from perfml.project.spec import OfTeam, Relation

_BETWEEN = re.compile(rf"_(({'|'.join(get_args(Relation))})_z|team_({'|'.join(get_args(OfTeam))}))$")
"""What the name of a column computed between people ends in."""


def comparison_name(column: str, relation: Relation) -> str:
    """The name of the z-score of ``column`` within ``relation``.

    >>> comparison_name("logins_28d", "team")
    'logins_28d_team_z'
    """
    return f"{column}_{relation}_z"


def team_name(column: str, summary: OfTeam) -> str:
    """The name of what the rest of the team has in ``column``.

    >>> team_name("logins_28d", "share")
    'logins_28d_team_share'
    """
    return f"{column}_team_{summary}"


def compared_column(name: str) -> str:
    """The column that ``name`` is computed from between people; ``name`` itself where it is not.

    >>> compared_column("logins_28d_team_z"), compared_column("logins_28d_team_sum"), compared_column("logins_28d")
    ('logins_28d', 'logins_28d', 'logins_28d')
    """
    return _BETWEEN.sub("", name)


def fill(template: str, *, kind: str, window: int, last: int = 0) -> str:
    """Put a kind, a window in days and a number of events into a template; texts in both languages have the same fields.

    >>> fill("{kind}_count_{window}d", kind="login", window=28)
    'login_count_28d'
    """
    return template.replace("{kind}", kind).replace("{window}", str(window)).replace("{last}", str(last))


def matches(template: str, column: str) -> bool:
    """Whether the template gives ``column`` for some kind, window and number of events.

    >>> matches("{kind}_count_{window}d", "code_review_count_28d"), matches("{kind}_count_{window}d", "logins")
    (True, False)
    """
    pattern = re.escape(template).replace(r"\{kind\}", r"\w+")
    for number in (r"\{window\}", r"\{last\}"):
        pattern = pattern.replace(number, r"\d+")
    return re.fullmatch(pattern, column) is not None
