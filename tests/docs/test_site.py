"""The documentation builds without a warning, and what is generated from the code leaves nothing out."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from perfml.project.feature_spec import Measure, RelationalSpec, WindowedSpec
from perfml.project.mapping_spec import MappingSpec
from perfml.project.model_spec import ModelSpec
from perfml.project.policies import KINDS
from perfml.project.spec import ProjectSpec, Spec
from perfml.project.table_spec import TableSpec
from perfml.project.trust.delivery_spec import DeliveriesSpec
from perfml.project.trust.export_spec import ExportsSpec
from perfml.project.trust.forbidden_spec import ForbiddenEvidence
from perfml.project.trust.holes_spec import HolesSpec
from perfml.project.trust.metrics import MetricsSpec

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
FILES: tuple[type[Spec], ...] = (
    ProjectSpec,
    TableSpec,
    MappingSpec,
    WindowedSpec,
    RelationalSpec,
    ModelSpec,
    MetricsSpec,
    DeliveriesSpec,
    ExportsSpec,
    ForbiddenEvidence,
    HolesSpec,
    *KINDS.values(),
)
SHORTEST_MEANING = 8


def load_generated():
    """The Sphinx extension of ``docs/_ext``, which is no part of a package."""
    spec = importlib.util.spec_from_file_location("generated", DOCS / "_ext" / "generated.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


generated = load_generated()
SPECS = list(dict.fromkeys(spec for root in FILES for spec in generated.specs_of(root)))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as ``run.py docs`` builds it."""
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", str(DOCS), str(out)]
    build = subprocess.run(command, capture_output=True, text=True)
    assert build.returncode == 0, build.stderr
    return out


@pytest.mark.slow
def test_the_site_builds_without_a_warning(site: Path) -> None:
    sources = {path.relative_to(DOCS).with_suffix("").as_posix() for path in DOCS.rglob("*.md")}
    pages = {path.relative_to(site).with_suffix("").as_posix() for path in site.rglob("*.html")}
    assert sources <= pages and len(sources) >= 15


@pytest.mark.slow
def test_every_generated_text_reaches_its_page(site: Path) -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in sorted((site / "reference").glob("*.html")))
    for root in FILES:
        for spec in generated.specs_of(root):
            assert f'id="key-{root.__name__.lower()}-{spec.__name__.lower()}"' in text, spec
    shown = set(re.findall(r'<span class="pre">([^<]+)</span>', text))
    keys = {key for spec in SPECS for key in spec.model_fields}
    columns = {column for table in generated.input_specs().values() for column in table.columns}
    assert keys | columns <= shown
    assert all(name in (site / "architecture.html").read_text(encoding="utf-8") for name in ("treeshap", "scoring"))


@pytest.mark.slow
def test_the_site_needs_no_network(site: Path) -> None:
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"<(?:script|link|img)[^>]+(?:src|href)=[\"'](?:https?:)?//", text), path.name


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.__name__)
def test_every_key_is_listed_with_a_meaning(spec: type[Spec]) -> None:
    rows = {row[0].strip("`"): row for row in generated.key_rows(spec)}
    assert list(rows) == list(spec.model_fields)
    assert [name for name, row in rows.items() if len(row[4]) < SHORTEST_MEANING] == []


def test_a_key_without_a_meaning_is_refused() -> None:
    class Bare(Spec):
        """A spec with a field that nobody explained."""

        limit: int = 3

    with pytest.raises(KeyError, match="limit"):
        generated.key_rows(Bare)


def test_every_kind_of_definition_has_its_page() -> None:
    named = re.findall(r"{definition-keys} ([\w.]+)", "".join(p.read_text() for p in DOCS.glob("reference/*.md")))
    assert {name.rsplit(".", 1)[1] for name in named} == {spec.__name__ for spec in FILES}


def test_every_measure_is_explained() -> None:
    page = (DOCS / "reference" / "measures.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)`", page, flags=re.M) == list(get_args(Measure.model_fields["measure"].annotation))


def test_every_record_stands_in_the_index_once() -> None:
    listed = re.findall(r"^\| \[\d+\]\((.+?)\)", (DOCS / "decisions" / "index.md").read_text("utf-8"), flags=re.M)
    assert listed == sorted(path.name for path in DOCS.glob("decisions/0*.md"))
