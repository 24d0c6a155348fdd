"""A narrow win looks narrow: what a back-test showed, counted in people."""

from __future__ import annotations

import pytest

from perfml.learning.in_people import in_people, outcome_message
from perfml.learning.record import ListRecord
from perfml.messages import Message, render
from perfml.project.model_spec import Label
from tests.records import backtest_record, figure

LISTED = ListRecord(share=0.05, listed=200, cases=48, precision=0.24, low=0.19, high=0.3, ratio=(1.0,))
SMALL = LISTED.model_copy(update={"share": 0.01, "listed": 40, "cases": 12, "precision": 0.3})


def back_tested(baseline: float | None, *, proven: bool = True, listed: ListRecord = LISTED):
    return backtest_record(
        proven=proven,
        rows=4000,
        positives=238,
        lists=(SMALL, listed),
        baseline={} if baseline is None else {"precision_at_capacity": figure(baseline)},
    )


@pytest.mark.parametrize(
    ("baseline", "proven", "win"),
    [
        (0.10, True, "clear"),
        (0.18, True, "clear"),
        (0.20, True, "narrow"),
        (0.23, True, "narrow"),
        (0.10, False, "none"),
    ],
)
def test_a_win_is_narrow_where_the_baseline_is_close(baseline: float, proven: bool, win: str) -> None:
    past = in_people(back_tested(baseline, proven=proven), share=0.05)
    assert past is not None and past.win == win


def test_a_win_is_narrow_where_a_quarter_more_cases_is_not_reached() -> None:
    certain = LISTED.model_copy(update={"low": 0.235})
    past = in_people(back_tested(0.21, listed=certain), share=0.05)
    assert past is not None and past.win == "narrow"


def test_the_sentence_counts_people_on_a_list_of_the_size_and_others() -> None:
    past = in_people(back_tested(0.11), share=0.04)
    assert past is not None
    happened = outcome_message(Label(kind="exit", exit_kinds=("voluntary",), horizons_days=(91,)), 91)
    assert render(past.text(happened), "en") == (
        "of 100 people on such a list, 24 left by their own choice within 91 days;"
        " of 100 on a list drawn up without a model, 11; of 100 others, 5"
    )
    assert render(past.text(happened), "zh").startswith("以往这样的名单上，每 100 人有 24 人在 91 天内主动离职；")
    ill = Label(kind="event", kinds=("sick_leave",), en="a long sick leave", zh="长病假", horizons_days=(91,))
    assert render(past.text(outcome_message(ill, 91)), "en").startswith(
        "of 100 people on such a list, 24 had a long sick leave within 91 days;"
    )
    read_back = Message.model_validate_json(past.text(outcome_message(ill, 91)).model_dump_json())
    assert "有 24 人在 91 天内出现长病假；" in render(read_back, "zh")
    alone = in_people(back_tested(None), share=0.01)
    assert alone is not None and alone.listed == 0.3 and "without a model" not in render(alone.text(happened), "en")
    assert in_people(backtest_record(), share=0.05) is None
