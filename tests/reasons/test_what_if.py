"""What-if: only what may change does, as far as others are, the nearest that is enough, and none where there is none."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.linear_model import LogisticRegression

from perfml.reasons.what_if import Move, along, combined, moves, one_at_a_time

Floats = npt.NDArray[np.float64]
EVIDENCE = ["overtime", "overtime", "praise", "tenure", "course", "course"]
EVERYONE = np.array([True, True, True, False, True, True])


def logistic(features: Floats) -> Floats:
    """Overtime (91 days) raises, praise lowers, tenure lowers much, the second course column lowers."""
    margin = 0.05 * features[:, 1] - 0.5 * features[:, 2] - 6.0 * features[:, 3] - 0.8 * np.nan_to_num(features[:, 5])
    return np.asarray(1 / (1 + np.exp(-margin)))


@pytest.fixture
def people() -> Floats:
    rng = np.random.default_rng(3)
    month = rng.poisson(6, 200).astype(float)
    quarter = month + rng.poisson(12, 200)
    course = rng.integers(0, 3, 200).astype(float)
    since = np.where(course == 0, np.nan, rng.uniform(1, 300, 200))
    return np.column_stack([month, quarter, rng.poisson(2, 200), rng.uniform(0, 1, 200), since, course])


PERSON = np.array([12.0, 40.0, 0.0, 0.0, np.nan, 0.0])
BOTH = [0] * 6


def allowed(people: Floats, direction: list[int] = BOTH, may: npt.NDArray[np.bool_] = EVERYONE) -> tuple[Move, ...]:
    return moves(person=PERSON, comparable=people, evidence=EVIDENCE, may_change=may, direction=direction)


def test_a_group_moves_whole_to_what_somebody_has_within_the_usual_range(people: Floats) -> None:
    by_evidence = {move.evidence: move for move in allowed(people)}
    assert sorted(by_evidence) == ["course", "overtime", "praise"]
    overtime = by_evidence["overtime"]
    pairs = {tuple(row) for row in people[:, :2].tolist()}
    assert {tuple(row) for row in overtime.values.tolist()} <= pairs
    assert (overtime.values[:, 0] <= overtime.values[:, 1]).all()
    low, high = np.quantile(people[:, :2], [0.05, 0.95], axis=0)
    inside = (overtime.values >= low) & (overtime.values <= high)
    assert (inside | (overtime.values == PERSON[:2])).all()  # who is outside may stay where they are
    assert len(overtime.values) < len(pairs)


def test_what_may_not_change_does_not_though_it_would_help_most(people: Floats) -> None:
    helped = one_at_a_time(logistic, PERSON, allowed(people))
    assert "tenure" not in {what.changes[0].evidence for what in helped}
    free = moves(person=PERSON, comparable=people, evidence=EVIDENCE, may_change=np.ones(6, bool), direction=BOTH)
    assert one_at_a_time(logistic, PERSON, free)[0].changes[0].evidence == "tenure"
    partly = allowed(people, may=np.array([True, False, True, False, True, True]))
    assert "overtime" not in {move.evidence for move in partly}


def test_a_direction_is_kept(people: Floats) -> None:
    person = np.array([6.0, 18.0, 2.0, 0.5, np.nan, 0.0])

    def overtime(way: int) -> Floats:
        direction = [way, way, 0, 0, 0, 0]
        options = moves(person=person, comparable=people, evidence=EVIDENCE, may_change=EVERYONE, direction=direction)
        return next(move.values for move in options if move.evidence == "overtime")

    assert (overtime(-1) <= person[:2]).all() and (overtime(1) >= person[:2]).all()
    assert len(overtime(0)) > len(overtime(-1)) + len(overtime(1))


def test_a_record_never_becomes_missing_and_a_missing_one_may_be_filled(people: Floats) -> None:
    course = next(move for move in allowed(people) if move.evidence == "course")
    assert not np.isnan(course.values).any()
    person = np.array([6.0, 18.0, 2.0, 0.5, 100.0, 1.0])
    options = moves(person=person, comparable=people, evidence=EVIDENCE, may_change=EVERYONE, direction=BOTH)
    assert not np.isnan(next(move.values for move in options if move.evidence == "course")).any()
    alone = moves(
        person=person, comparable=np.full((5, 6), np.nan), evidence=EVIDENCE, may_change=EVERYONE, direction=BOTH
    )
    assert alone == ()


def test_one_at_a_time_is_the_lowest_of_all_that_are_allowed(people: Floats) -> None:
    answers = one_at_a_time(logistic, PERSON, allowed(people))
    assert [what.after for what in answers] == sorted(what.after for what in answers)
    for what in answers:
        (change,) = what.changes
        row = PERSON.copy()
        row[list(change.columns)] = change.after
        assert logistic(row[None])[0] == pytest.approx(what.after, abs=1e-12)
        assert list(change.before) == pytest.approx(PERSON[list(change.columns)].tolist(), nan_ok=True)
        tried = next(move for move in allowed(people) if move.evidence == change.evidence)
        rows = np.repeat(PERSON[None], len(tried.values), axis=0)
        rows[:, tried.columns] = tried.values
        assert what.after == pytest.approx(logistic(rows).min())


def test_along_a_column_the_values_are_those_of_others_and_the_rest_of_the_group_is_the_nearest(people: Floats) -> None:
    overtime = next(move for move in allowed(people) if move.evidence == "overtime")
    rows = along(PERSON, overtime, 1, most=5)
    assert len(rows) == 5 and (np.diff(rows[:, 1]) > 0).all() and PERSON[1] not in rows[:, 1]
    assert (rows[:, 2:] == PERSON[2:])[:, ~np.isnan(PERSON[2:])].all(), "nothing else changes"
    others = overtime.values[overtime.values[:, 1] != PERSON[1]]
    assert rows[[0, -1], 1].tolist() == [others[:, 1].min(), others[:, 1].max()]
    for row in rows:
        same = overtime.values[:, 1] == row[1]
        nearest = overtime.values[same][np.argmin(overtime.distance[same])]
        assert row[:2].tolist() == nearest.tolist()
    assert len(along(PERSON, overtime, 1, most=500)) == len(np.unique(others[:, 1]))
    still = Move("praise", np.array([2]), np.array([[0.0]]), np.array([0.0]))
    assert len(along(PERSON, still, 2, most=5)) == 0


def test_the_nearest_that_suffices_is_reported(people: Floats) -> None:
    """A limit just below what is: one more praise is enough, and not the most that anybody has."""
    only = [move for move in allowed(people) if move.evidence == "praise"]
    before = logistic(PERSON[None])[0]
    answer = combined(logistic, PERSON, only, below=before - 1e-6)
    assert answer is not None
    assert answer.changes[0].after == (1.0,)
    least = one_at_a_time(logistic, PERSON, only)[0]
    assert answer.after > least.after


def test_greedy_is_as_low_as_every_combination_where_effects_add_up(people: Floats) -> None:
    every = allowed(people)
    lowest = min(
        float(logistic(_with(choice)[None])[0])
        for groups in combinations(every, 3)
        for choice in product(*[[(m, v) for v in m.values[:: max(1, len(m.values) // 12)]] for m in groups])
    )
    answer = combined(logistic, PERSON, every, below=lowest + 1e-9)
    assert answer is not None and answer.after <= lowest + 1e-9 and len(answer.changes) == 3
    assert len({change.evidence for change in answer.changes}) == 3
    assert combined(logistic, PERSON, every, below=lowest + 1e-9, most=1) is None


def _with(choice: tuple[tuple[Move, Floats], ...]) -> Floats:
    row = PERSON.copy()
    for move, values in choice:
        row[move.columns] = values
    return row


def test_no_answer_where_nothing_helps_and_no_change_where_the_risk_is_low(people: Floats) -> None:
    assert combined(logistic, PERSON, allowed(people), below=1e-9) is None
    assert combined(logistic, PERSON, [], below=0.5) is None
    assert combined(lambda rows: np.full(len(rows), 0.3), PERSON, allowed(people), below=0.2) is None
    nothing = combined(logistic, PERSON, allowed(people), below=0.99)
    assert nothing is not None and nothing.changes == () and nothing.before == nothing.after


@pytest.mark.slow
def test_a_model_from_elsewhere_says_the_same_of_the_changed_row(people: Floats) -> None:
    """A scikit-learn model: the reported risk is its own probability of the changed person."""
    filled = np.nan_to_num(people, nan=400.0)
    label = (logistic(people) > np.median(logistic(people))).astype(int)
    model = LogisticRegression(max_iter=5000).fit(filled, label)

    def risk(rows: Floats) -> Floats:
        return np.asarray(model.predict_proba(np.nan_to_num(rows, nan=400.0))[:, 1])

    person = np.where(np.arange(6) == 3, 0.5, PERSON)
    every = moves(person=person, comparable=people, evidence=EVIDENCE, may_change=EVERYONE, direction=BOTH)
    answer = combined(risk, person, every, below=0.5)
    assert answer is not None and answer.after < 0.5 <= answer.before
    row = person.copy()
    for change in answer.changes:
        row[list(change.columns)] = change.after
    assert risk(row[None])[0] == pytest.approx(answer.after, abs=1e-12)


@pytest.mark.parametrize(
    "risks",
    [
        {(0, 0): 0.6, (1, 0): 0.7, (2, 0): 0.7, (0, 1): 0.8, (1, 1): 0.1, (2, 1): 0.1},  # up before it goes down
        {(0, 0): 0.6, (1, 0): 0.4, (2, 0): 0.5, (0, 1): 0.6, (1, 1): 0.3, (2, 1): 0.1},  # the first group once more
    ],
)
def test_no_change_that_raises_the_risk_and_no_group_twice(risks: dict[tuple[int, int], float]) -> None:
    def risk(rows: Floats) -> Floats:
        return np.array([risks[int(a), int(b)] for a, b in rows])

    every = [
        Move("a", np.array([0]), np.array([[1.0], [2.0]]), np.array([0.1, 0.2])),
        Move("b", np.array([1]), np.array([[1.0]]), np.array([0.1])),
    ]
    assert combined(risk, np.zeros(2), every, below=0.2) is None
