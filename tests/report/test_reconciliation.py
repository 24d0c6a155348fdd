"""The picture of a bridge and its page show what the reconciliation holds, whatever that is."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfml import Project
from perfml.demo.incident import Incident, write, write_project
from perfml.report.reconciliation.drawing import BridgeStep, bridge_picture
from perfml.terminal.trust.reconciliation import bridge_table, reconciliation_table

NASTY = "<script>alert(\"x\")</script> & 'quotes'"
amounts = st.decimals(-(10**12), 10**12, places=2)


def drawn(start: Decimal, parts: list[Decimal], *, label: str = "part", width: float = 560) -> str:
    steps = [BridgeStep(label, amount) for amount in parts]
    end = BridgeStep(label, start + sum(parts, Decimal(0)))
    return bridge_picture(start=BridgeStep(label, start), steps=steps, end=end, title=label, width=width)


def bars(svg: str) -> list[tuple[float, float]]:
    """The left and the right end of each bar."""
    corners = [[float(pair.split(",")[0]) for pair in each.split()] for each in re.findall(r'points="([^"]+)"', svg)]
    return [(min(xs), max(xs)) for xs in corners]


def test_each_bar_begins_where_the_one_above_it_ended() -> None:
    first, timing, returned, last = bars(drawn(Decimal(100), [Decimal(-20), Decimal(10)]))
    assert timing[1] == first[1]
    assert returned[0] == timing[0]
    assert last[1] == returned[1]
    assert (first[1] - timing[0]) / (first[1] - first[0]) == pytest.approx(0.2, abs=0.01)


@pytest.mark.slow
@given(amounts, st.lists(amounts, max_size=5), st.sampled_from([330.0, 560.0]))
def test_any_bridge_is_well_formed_and_stays_inside_its_width(
    start: Decimal, parts: list[Decimal], width: float
) -> None:
    svg = drawn(start, parts, width=width)
    text = "".join(ElementTree.fromstring(svg).itertext())
    assert all(0 <= x <= width for bar in bars(svg) for x in bar)
    for amount in parts:
        assert f"{abs(amount):,.2f}" in text


def test_labels_are_escaped() -> None:
    svg = drawn(Decimal(1), [Decimal(1)], label=NASTY)
    assert "<script>" not in svg and NASTY.replace(" ", "") in "".join(ElementTree.fromstring(svg).itertext()).replace(
        " ", ""
    )


@pytest.fixture(scope="module")
def lost(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Path]:
    """A signed-off project of a small incident, and its data."""
    folder = tmp_path_factory.mktemp("lost")
    incident = Incident(people=1, backfilled_at=None)
    mine = Project(write_project(incident, folder / "project", version=2), home=folder / "home")
    mine.sign_off("sales", 2, by="Li Na", reason="settled net sales")
    return mine, write(incident, folder / "data")


@pytest.mark.slow
def test_the_page_and_the_terminal_show_the_same_figures_in_both_languages(
    lost: tuple[Project, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine, data = lost
    reconciliation = mine.reconcile(data, as_of="2025-04-01")
    page = mine.write_reconciliation(reconciliation, tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 2 * 2 * len(reconciliation.rows)
    for language, standing in (("en", "held"), ("zh", "暂停")):
        reconciliation_table(reconciliation, mine.folder.metrics, "zh" if language == "zh" else "en")
        bridge_table(reconciliation.of("South-01")[-1], mine.folder.metrics, "zh" if language == "zh" else "en")
        printed = capsys.readouterr().out
        assert standing in printed and standing in page
        for figure in ("10.34", "−4,992.00", "19,968.00", "−3,000.00"):
            assert figure in printed and figure in page
