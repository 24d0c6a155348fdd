"""Which columns a set of windowed definitions makes over the kinds that a log holds."""

from typing import Any

import pytest

from perfml.errors import DefinitionError
from perfml.evidence.log.windows import Plan, compile_windows, slug
from tests.tables import shipped, windowed

EACH: dict[str, Any] = {"column": "{kind}_{window}", "measure": "count", "kinds": "each", "windows_days": [7, 28]}
ALL: dict[str, Any] = {"column": "n", "measure": "count", "windows_days": [7]}


def plan(*measures: dict[str, Any], kinds: list[str], counterparts: bool = True, **spec: Any) -> Plan:
    return compile_windows(windowed(*measures, **spec).windowed, kinds, has_counterparts=counterparts)


def named(windows: Plan) -> dict[str, tuple[int, ...]]:
    return {column.column.name: column.kinds for column in windows.columns}


def test_a_column_for_each_kind_and_window() -> None:
    assert list(named(plan(EACH, kinds=["a", "b"]))) == ["a_7", "a_28", "b_7", "b_28"]


def test_kinds_past_the_limit_share_one_channel() -> None:
    windows = plan(EACH, ALL, kinds=[f"k{i}" for i in range(10_000)], max_kinds=2)
    assert windows.kinds == ("k0", "k1") and windows.n_channels == 3
    assert named(windows) == {"k0_7": (0,), "k0_28": (0,), "k1_7": (1,), "k1_28": (1,), "n": (0, 1, 2)}


def test_a_kind_that_is_named_has_its_channel_however_rare() -> None:
    rare = ALL | {"column": "rare", "kinds": ["k9", "never"]}
    windows = plan(EACH, ALL, rare, kinds=[f"k{i}" for i in range(10)], max_kinds=2)
    assert (
        windows.kinds == ("k0", "k1", "k9") and named(windows)["rare"] == (2,) and named(windows)["n"] == (0, 1, 2, 3)
    )
    assert "k9_7" not in named(windows)
    only = plan(EACH, ALL, kinds=[f"k{i}" for i in range(10)], max_kinds=2, only=["k7", "k9"])
    assert named(only) == {"k7_7": (2,), "k7_28": (2,), "k9_7": (3,), "k9_28": (3,), "n": (2, 3)}


def test_kinds_that_share_a_name_are_added() -> None:
    texts = {"zh": "登录", "en": "logins", "rename": "login"}
    windows = compile_windows(
        windowed(EACH, kinds={"web": texts, "app": texts}).windowed, ["web", "app", "other"], has_counterparts=True
    )
    assert named(windows)["login_7"] == (0, 1) and named(windows)["other_7"] == (2,)


def test_names_of_any_language_and_sign() -> None:
    assert [slug(kind) for kind in ("代码评审", "it's", '"', "a  b", "é")] == ["代码评审", "it_s", "kind", "a_b", "é"]
    names = list(named(plan(EACH | {"windows_days": [7]}, kinds=["a b", "a-b", "a_b"])))
    assert names[0] == "a_b_7" and len(set(names)) == 3 and all(name.startswith("a_b_") for name in names)


def test_words_of_a_kind() -> None:
    texts = {"zh": "加班", "en": "overtime", "owner": "manager", "direction": "lower"}
    template = EACH | {"zh": "近{window}天{kind}", "en": "{kind} in {window} days", "windows_days": [7]}
    columns = compile_windows(
        windowed(template, kinds={"ot": texts}).windowed, ["ot", "code_review"], has_counterparts=True
    ).columns
    assert [(c.column.zh, c.column.en, c.column.owner, c.column.direction, c.column.reason) for c in columns] == [
        ("近7天加班", "overtime in 7 days", "manager", "lower", "log:ot"),
        (
            "近7天代码为“code_review”的事件",
            "events coded “code_review” in 7 days",
            "employee",
            "neither",
            "log:code_review",
        ),
    ]


def test_comparisons_of_some_windows_only() -> None:
    windows = plan(EACH | {"compare": ["team"], "compare_windows_days": [28]}, kinds=["a"])
    assert [column.compare for column in windows.columns] == [(), ("team",)]


def test_without_counterparts_their_columns_are_left_out() -> None:
    measures = [
        ALL,
        {"column": "received", "measure": "count", "side": "received", "windows_days": [7]},
        {"column": "partners", "measure": "distinct_counterparts", "side": "either", "windows_days": [7]},
    ]
    assert set(named(plan(*measures, kinds=["a"]))) == {"n", "received", "partners"}
    assert set(named(plan(*measures, kinds=["a"], counterparts=False))) == {"n"}


def test_one_name_twice_is_refused() -> None:
    with pytest.raises(DefinitionError, match="features/log: column 'n' is made twice; rename one of them"):
        plan(ALL, ALL, kinds=["a"])


@pytest.mark.parametrize("windows", [[28], [28, 28], [112, 28], [7, 28, 112]])
def test_a_trend_takes_two_windows(windows: list[int]) -> None:
    trend = {"column": "t_{window}", "measure": "trend", "windows_days": windows}
    with pytest.raises(
        DefinitionError, match=r"features/log\.toml \[measures\.0\]\.windows_days: .* 'trend' takes two windows"
    ):
        plan(trend, kinds=["a"])


def test_the_shipped_definitions_make_a_bounded_plan() -> None:
    windows = compile_windows(shipped().windowed, [f"k{i}" for i in range(10_000)], has_counterparts=True)
    assert len(windows.columns) < 500 and windows.counts_received
