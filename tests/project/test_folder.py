"""A project's definitions lie over those that perfml ships; a mistake names its file."""

from pathlib import Path

import pytest

from perfml.errors import DefinitionError
from perfml.project.folder import ProjectFolder
from perfml.project.starter import STARTER

COLUMN = '[columns.x]\nzh = "x"\nen = "x"\nunit = "times"\nowner = "company"\n'
QUERY = f'/*\nzh = "x"\nen = "x"\nneeds = ["people"]\n{COLUMN}*/\nselect employee_id, as_of, 1 as x from people;\n'
LOG = """
zh = "夜班"
en = "night work"
[[measures]]
column = "nights_{window}d"
measure = "count"
kinds = ["night"]
windows_days = [28]
zh = "夜班"
en = "nights"
unit = "times"
owner = "manager"
"""


def project(root: Path, **files: str) -> ProjectFolder:
    """A project of ``files``, named with __ for / and _dot_ for the last dot."""
    for name, text in ({"perfml_dot_toml": 'name = "mine"'} | files).items():
        path = root / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return ProjectFolder(root)


def names(folder: ProjectFolder) -> list[str]:
    definitions = folder.definitions
    return [file.name for file in definitions.windowed] + [file.name for file in definitions.relational]


def test_a_project_inherits_everything(tmp_path: Path) -> None:
    mine = project(tmp_path)
    assert mine.spec.name == "mine" and mine.definitions == ProjectFolder(STARTER).definitions
    assert mine.models == ProjectFolder(STARTER).models


def test_a_file_of_ones_own_is_one_more(tmp_path: Path) -> None:
    mine = project(tmp_path, features__nights_dot_toml=LOG, features__extra_dot_sql=QUERY)
    assert set(names(mine)) - set(names(ProjectFolder(STARTER))) == {"nights", "extra"}
    extra = next(file for file in mine.definitions.relational if file.name == "extra")
    assert extra.sql == "select employee_id, as_of, 1 as x from people" and extra.file == "features/extra.sql"


def test_a_file_of_the_same_name_is_merged_key_by_key(tmp_path: Path) -> None:
    text = 'zh = "动静"\nmax_kinds = 7\n[kinds.praise]\nen = "kudos"\n[kinds.night]\nzh = "夜班"\nen = "nights"\n'
    mine = project(tmp_path, features__activity_dot_toml=text)
    starter = {file.name: file.spec for file in ProjectFolder(STARTER).definitions.windowed}["activity"]
    merged = {file.name: file.spec for file in mine.definitions.windowed}["activity"]
    assert (merged.zh, merged.max_kinds, merged.en, merged.measures) == ("动静", 7, starter.en, starter.measures)
    assert (merged.kinds["praise"].en, merged.kinds["praise"].zh) == ("kudos", starter.kinds["praise"].zh)
    assert set(merged.kinds) == {*starter.kinds, "night"}


def test_arrays_are_replaced_whole(tmp_path: Path) -> None:
    mine = project(tmp_path, features__rhythm_dot_toml=LOG)
    merged = {file.name: file.spec for file in mine.definitions.windowed}["rhythm"]
    assert [measure.column for measure in merged.measures] == ["nights_{window}d"]


def test_sql_is_replaced_whole(tmp_path: Path) -> None:
    mine = project(tmp_path, features__job_dot_sql=QUERY)
    assert {file.name: list(file.spec.columns) for file in mine.definitions.relational}["job"] == ["x"]


def test_the_contract_can_be_widened(tmp_path: Path) -> None:
    text = '[reviews.scale]\nbest = 7\n[employees.columns.union]\ntype = "bool"\nprotected = true\n'
    tables = project(tmp_path, features__sources_dot_toml=text).definitions.tables
    scale = tables["reviews"].scale
    assert scale is not None and (scale.worst, scale.best) == (1, 7)
    assert tables["employees"].columns["union"].protected and tables["employees"].columns["hired_on"].required


def test_leaving_out(tmp_path: Path) -> None:
    mine = project(tmp_path, perfml_dot_toml='[features]\nleave_out = ["goals", "rhythm"]')
    assert set(names(ProjectFolder(STARTER))) - set(names(mine)) == {"goals", "rhythm"}


def test_a_file_that_is_left_out_need_not_be_whole_and_others_may_read_it(tmp_path: Path) -> None:
    reader = QUERY.replace('["people"]', '["evidence"]\nreads = ["y"]').replace("people;", "evidence;")
    left = 'leave_out = ["broken"]'
    mine = project(
        tmp_path,
        perfml_dot_toml=f"[features]\n{left}",
        features__broken_dot_sql="no header",
        features__extra_dot_sql=reader,
    )
    assert "extra" in names(mine) and "broken" not in names(mine)


@pytest.mark.parametrize("wrong", ["goal", "sources", "goals.sql"])
def test_what_is_not_there_cannot_be_left_out(wrong: str, tmp_path: Path) -> None:
    mine = project(tmp_path, perfml_dot_toml=f'[features]\nleave_out = ["{wrong}"]')
    with pytest.raises(
        DefinitionError,
        match=r"perfml\.toml \[features\.leave_out\]: no file is called .*use one of: activity, behind, career",
    ):
        _ = mine.definitions


def test_models_are_left_out_alike(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match=r"perfml\.toml \[models\.leave_out\]: no file is called 'nobody'"):
        _ = project(tmp_path, perfml_dot_toml='[models]\nleave_out = ["nobody"]').models


REFUSED = {
    "a key in perfml.toml": (
        {"perfml_dot_toml": 'nmae = "x"'}, r"perfml\.toml: 'nmae' is not a key; did you mean 'name'\? use one of: data, .*name",
    ),
    "a key of a file": (
        {"features__activity_dot_toml": "colour = 1"},
        r"features/activity\.toml: 'colour' is not a key; use one of: en, kinds",
    ),
    "a key of a kind": (
        {"features__activity_dot_toml": "[kinds.praise]\ncolour = 1"},
        r"features/activity\.toml \[kinds\.praise\]: 'colour' is not a key; use one of: direction, done_by, en, owner, ",
    ),
    "a key of a measure": (
        {"features__nights_dot_toml": LOG + "window_days = [1]"},
        r"features/nights\.toml \[measures\.0\]: 'window_days' is not a key; did you mean 'windows_days'\? use one of: change",
    ),
    "a key of a column": (
        {"features__extra_dot_sql": QUERY.replace('unit = "times"', 'unit = "times"\nkind = "x"')},
        r"features/extra\.sql \[columns\.x\]: 'kind' is not a key; use one of: change, compare, direction",
    ),
    "a key of a table": (
        {"features__sources_dot_toml": "[exits]\ncolour = 1"}, r"features/sources\.toml exits: 'colour' is not a key",
    ),
    "a key of an input column": (
        {"features__sources_dot_toml": "[exits.columns.kind]\nsecret = true"},
        r"features/sources\.toml exits \[columns\.kind\]: 'secret' is not a key;"
        r" use one of: en, example, later, others, personal, protected, required, type, zh",
    ),
    "no table at all": ({"features__sources_dot_toml": "exits = 3"}, r"features/sources\.toml exits: 3 cannot be used"),
    "wrong TOML": (
        {"features__nights_dot_toml": "zh = 夜班"}, r"features/nights\.toml: is not TOML: .*line 1.*; correct that line",
    ),
    "wrong TOML in a header": (
        {"features__extra_dot_sql": "/*\nzh =\n*/ select 1"},
        r"features/extra\.sql: is not TOML",
    ),
    "no header": (
        {"features__extra_dot_sql": "select 1"},
        r"features/extra\.sql: does not begin with its header; begin with a comment of TOML: /\*",
    ),
    "SQL before the header": ({"features__extra_dot_sql": f"select 1 {QUERY}"}, "does not begin with its header"),
    "a header without end": ({"features__extra_dot_sql": "/* zh = 1"}, "does not begin with its header"),
    "words that are missing": (
        {"features__extra_dot_sql": QUERY.replace('unit = "times"\n', "")},
        r"features/extra\.sql \[columns\.x\]: key 'unit' is missing; add it",
    ),
    "a table that is none": (
        {"features__extra_dot_sql": QUERY.replace('"people"', '"people", "reviewz"')},
        r"features/extra\.sql: needs 'reviewz', which is no table; did you mean 'reviews'\? use one of: people, evidence",
    ),
    "the log in SQL": (
        {"features__extra_dot_sql": QUERY.replace('"people"', '"events"')},
        r"features/extra\.sql: needs 'events', which SQL cannot select from; count the log in a TOML file with \[\[measures\]\]",
    ),
    "a scale on which 1 is best": (
        {"features__sources_dot_toml": "[reviews.scale]\nworst = 5\nbest = 1"},
        r"features/sources\.toml reviews \[scale\]: its keys do not fit together; worst is the lowest number .* turn the ratings",
    ),
    "a column that is none": (
        {"features__extra_dot_sql": QUERY.replace('["people"]', '["evidence"]\nreads = ["tenur_days"]')},
        r"features/extra\.sql: reads 'tenur_days', which no file makes",
    ),
    "one name twice": (
        {"features__job_dot_toml": LOG},
        r"features/job: exists as \.toml and as \.sql; rename one of the two",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str, tmp_path: Path) -> None:
    files, problem = REFUSED[name]
    with pytest.raises(DefinitionError, match=problem) as caught:
        _ = project(tmp_path, **files).definitions
    assert caught.value.where and caught.value.remedy


@pytest.mark.parametrize("suffix", ["toml", "sql"])
def test_a_file_that_is_not_utf8(suffix: str, tmp_path: Path) -> None:
    mine = project(tmp_path)
    (tmp_path / "features").mkdir()
    (tmp_path / f"features/nights.{suffix}").write_bytes("zh = '夜班'".encode("gb18030"))
    with pytest.raises(DefinitionError, match=rf"nights\.{suffix}: is not UTF-8 .*; save it as UTF-8"):
        _ = mine.definitions


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    mine = project(tmp_path, features__nights_dot_toml="\ufeff" + LOG, features__extra_dot_sql="\ufeff" + QUERY)
    assert {"nights", "extra"} <= set(names(mine))


def test_a_folder_that_is_no_project(tmp_path: Path) -> None:
    with pytest.raises(
        DefinitionError, match=r"is not a perfml project: perfml\.toml is missing; name another with --project DIR"
    ):
        ProjectFolder(tmp_path)


def test_a_model_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="models/: no model is called 'nobody'; use one of: "):
        project(tmp_path).model("nobody")


def test_a_name_that_is_neither_a_model_nor_a_policy(tmp_path: Path) -> None:
    folder = project(tmp_path)
    folder.require("attrition")
    folder.require("target_adjustment")
    with pytest.raises(
        DefinitionError, match=r"no model or policy is called 'target_ajustment'; did you mean 'target_adj"
    ):
        folder.require("target_ajustment")


def test_models_and_their_cards(tmp_path: Path) -> None:
    text = 'zh = "x"\nen = "x"\n[label]\nkind = "exit"\nhorizons_days = [90, 180]\n'
    mine = project(tmp_path, models__mine_dot_toml=text, models__mine_dot_md="# Mine\n")
    assert mine.model("mine").label.horizons_days == (90, 180)
    assert mine.card("mine") == "# Mine\n"
    with pytest.raises(
        DefinitionError, match=r"models/mine\.toml \[label\]: 'horizon' is not a key; did you mean 'horizons_days'\?"
    ):
        _ = project(tmp_path, models__mine_dot_toml=text + "horizon = 1").models


def test_a_model_needs_a_card(tmp_path: Path) -> None:
    mine = project(tmp_path, models__mine_dot_toml='zh = "x"\nen = "x"\n[label]\nkind = "exit"\nhorizons_days = [90]\n')
    assert not mine.has_card("mine")
    with pytest.raises(DefinitionError, match=r"^models/mine\.md: is missing; write the card: for whom"):
        mine.card("mine")


def test_a_policy_without_a_kind_is_not_taken_for_a_model(tmp_path: Path) -> None:
    policy = 'zh = "x"\nen = "x"\nmax_target_change_percent = 5\nwindow_days_of_month = [1, 5]\n'
    with pytest.raises(
        DefinitionError,
        match=r'models/mine\.toml: has the keys of a policy and names no kind; add kind = "target_adjustment"',
    ):
        _ = project(tmp_path, models__mine_dot_toml=policy).models


def test_only_what_makes_a_column() -> None:
    """Of a file, the measures that make it; of a column narrowed from columns, the files behind it too."""
    whole = ProjectFolder(STARTER).definitions
    narrowed = whole.making({"login_count_28d", "tenure_days_team_z"})
    assert [(file.name, [m.column for m in file.spec.measures]) for file in narrowed.windowed] == [
        ("activity", ["{kind}_count_{window}d"])
    ]
    assert [file.name for file in narrowed.relational] == ["job"]
    behind = whole.making({"days_changed_undiscussed"})
    assert [file.name for file in behind.windowed] == ["activity"]
    assert [file.name for file in behind.relational] == ["discussion", "goals"]


@pytest.mark.parametrize("name", ["attrition", "low_performance"])
def test_a_model_that_a_project_changes_keeps_the_card_it_inherits(name: str, tmp_path: Path) -> None:
    mine = project(tmp_path, **{f"models__{name}_dot_toml": 'en = "mine"'})
    assert mine.model(name).en == "mine" and mine.card(name) == ProjectFolder(STARTER).card(name)


def test_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = project(tmp_path)
    monkeypatch.delenv("PERFML_HOME", raising=False)
    assert mine.home() == tmp_path / "var"
    monkeypatch.setenv("PERFML_HOME", "/elsewhere")
    assert (mine.home(), mine.home(tmp_path)) == (Path("/elsewhere"), tmp_path)
