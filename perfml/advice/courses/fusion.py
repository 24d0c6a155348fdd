"""All evidence together: words, skills and feedback for tags; history, factors and content for employees, in weights learnt.

Employees: everybody's last enrolment is held out, the weights are those under which it was the most probable choice among the
candidates (conditional logit, McFadden 1974), and half of the people, whom the weights did not see, say whether this beats
popularity, content, and the two fused by reciprocal rank (Cormack, Clarke & Büttcher 2009). If it does not, the best of these
is used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

import numpy as np
from scipy import sparse

from perfml.advice.courses.collaborative import FactorRecommender, NeighbourRecommender, PopularRecommender
from perfml.advice.courses.embedding import LEAST_ALIKE, alike, installed, of_courses, vector
from perfml.advice.courses.feedback import SkillFeedback
from perfml.advice.courses.likeness import Likeness
from perfml.advice.courses.recommender import BATCH, Recommender, relative
from perfml.advice.courses.taxonomy import Taxonomy
from perfml.advice.courses.text import LEAST_COVERED, TextRecommender
from perfml.arrays import Floats, Floats32, Ints
from perfml.errors import PerfmlError
from perfml.project.course_policy import SkillExamplesSpec, SkillsSpec
from perfml.project.folder import ProjectFolder
from perfml.project.starter import STARTER

SKILL, FEEDBACK, MEANING = 1.0, 0.5, 1.0
"""Weights of taxonomy, feedback and embedding beside the words of a tag. No enrolment says what a tag means, so these are not
learnt: they were chosen on half of the tags of a real catalogue (docs/decisions/0016)."""
LEAST = 0.1
"""Results whose score is below are not shown."""
JUDGED = (-1.95, 11.42, 6.32, 0.22, 0.4)
"""Log-odds that a course helps with a tag, where examples tell skills: a constant, and what the fused score, the lead in meaning
over the :data:`ALIKE` closest courses, agreement on a skill and on one that helps it weigh. Logistic regression on the tags
labelled first (tests/advice/courses/labelled); others measure it."""
CLEARLY = 0.9
"""A tag's share of one skill from which likeness alone is an answer: subjects that a catalogue does not have seldom reach it."""
ALIKE = 3
LEAST_LIKELY, OF_BEST = 0.1, 0.15
"""Less likely courses are not shown, nor those so far behind the likeliest."""
FEWEST = 100
"""People with a held-out enrolment, below whom no weights are learnt."""
LEARNERS, CANDIDATES = 20_000, 100
"""People the weights are learnt from, at most, and courses each of them chose from."""
PLACE: Final = 60
"""Cormack's constant."""


@cache
def shipped_taxonomy() -> Taxonomy:
    """The taxonomy of ``models/skills.toml`` as perfml ships it."""
    folder = ProjectFolder(STARTER)
    return Taxonomy.of(folder.policy_of(SkillsSpec)[1], folder.policy_of(SkillExamplesSpec)[1])


class CourseRecommender(Recommender):
    """Courses for gap tags, with or without a history of enrolments, and for employees, with one.

    ``taxonomy``: which skills help which; the shipped one unless given, none with ``use_taxonomy=False``. ``embedding``:
    whether meaning counts beside words; unless said, where the extra ``perfml[embeddings]`` is installed. After
    :meth:`fit`, ``weights_`` says how much each kind of evidence counts for employees (empty: popularity and content by
    reciprocal rank; where it fell back ``notice_`` says why), and ``held_out_`` the mean nDCG@10 of each ranking on people
    held out.

    >>> import pandas as pd
    >>> courses = pd.DataFrame({"course_id": ["a", "b"], "title": ["高效沟通七步法", "葡萄酒品鉴"]})
    >>> CourseRecommender().fit(courses).for_tags(["跨部门协作待加强"])["course_id"].tolist()
    ['a']
    """

    def __init__(
        self, *, taxonomy: Taxonomy | None = None, use_taxonomy: bool = True, embedding: bool | None = None
    ) -> None:
        if embedding and not installed():
            raise PerfmlError(
                "the embedding is not installed", where="CourseRecommender", remedy="pip install 'perfml[embeddings]'"
            )
        self.embedding = installed() if embedding is None else embedding
        self.taxonomy = taxonomy if taxonomy is not None or not use_taxonomy else shipped_taxonomy()
        self.weights_: Mapping[str, float] = {}
        self.held_out_: Mapping[str, float] = {}

    def fresh(self) -> Recommender:
        """Another with the same taxonomy."""
        return type(self)(taxonomy=self.taxonomy, use_taxonomy=self.taxonomy is not None, embedding=self.embedding)

    def learn(self) -> None:
        """Index the catalogue, fit each kind of evidence, learn what each is worth."""
        parts: dict[str, Recommender] = {"content": TextRecommender()}
        self.weights_, self.held_out_ = {}, {}
        if self.history is not None:
            parts |= {
                "neighbours": NeighbourRecommender(),
                "factors": FactorRecommender(),
                "popular": PopularRecommender(),
            }
            self._learn_weights(parts)
        self._parts = parts
        for part in parts.values():
            part.catalogue, part.history = self.catalogue, self.history
            part.learn()
        text = parts["content"]
        assert isinstance(text, TextRecommender)
        self._text, self._feedback = text, SkillFeedback(self.catalogue)
        fields = zip(self.catalogue.titles, self.catalogue.summaries, self.catalogue.skills, strict=True)
        self._taught = [self.taxonomy.taught_by(*each) if self.taxonomy else {} for each in fields]
        self._likeness: Likeness | None = None
        if self.embedding and self.taxonomy is not None and self.taxonomy.examples is not None:
            self._likeness = Likeness(self.taxonomy, self.taxonomy.examples)
        self._courses_about: Floats | None = None

    # -- tags -----------------------------------------------------------------------------------------------------------

    def tag_scores(self, tag: str) -> Floats32:
        """Words, taxonomy, feedback and meaning, weighed (:data:`SKILL`); with examples of skills the probability that a course
        helps (:data:`JUDGED`)."""
        return self._tag(tag)[0]

    def _tag(self, tag: str) -> tuple[Floats32, Floats32]:
        """(n,) the scores, and those that feedback started from."""
        skill, known = self._skill_scores(tag)
        covered, meaning = self._text.coverage(tag), self._meaning(tag)
        words = covered * relative(self._text.words(tag)[None, :])[0]
        before = (SKILL * skill + words) / (SKILL * known + 1)
        weight = MEANING if self.embedding else 0.0
        first = np.asarray(SKILL * skill + words + weight * meaning, dtype=np.float32)
        common = float(before.max(initial=0)) * self._feedback.scores(first)
        total = (before + FEEDBACK * common + weight * meaning) / (1 + FEEDBACK + weight)
        level = float(covered.max(initial=0))
        close = (covered >= LEAST_COVERED) | (meaning >= LEAST_ALIKE)
        if self._likeness is not None:
            return self._judged(self._likeness, tag, total, meaning, known=known > 0 or bool(close.any())), first
        if known or level < LEAST_COVERED:  # what only sounds alike is no answer
            total[(skill == 0) & ~close] = 0
        total[(total < LEAST) | ((before == 0) & (common == 0) & ~close)] = 0
        return np.asarray(total, dtype=np.float32), first

    def _judged(self, likeness: Likeness, tag: str, total: Floats32, meaning: Floats32, *, known: bool) -> Floats32:
        """(n,) the probability that a reader would say that a course helps with ``tag``; 0 where that is not likely enough, and
        everywhere unless the tag is ``known`` by its words or clearly like one skill."""
        (asked,) = likeness.shares(vector(tag)[None, :])
        if not known and asked[:-1].max() < CLEARLY:
            return np.zeros_like(total, dtype=np.float32)
        same, helping = likeness.agreement(asked, self._about(likeness))
        lead = meaning - np.sort(meaning)[-ALIKE:].mean()
        odds = np.stack([np.ones(len(total)), total, lead, same, helping], axis=1) @ np.array(JUDGED)
        probability = 1 / (1 + np.exp(-odds))
        probability[probability < max(LEAST_LIKELY, OF_BEST * probability.max(initial=0))] = 0
        return np.asarray(probability, dtype=np.float32)

    def _about(self, likeness: Likeness) -> Floats:
        """What each course is about; made when a tag first asks for it, since each course has to be embedded."""
        if self._courses_about is None:
            self._courses_about = likeness.shares(of_courses(self.catalogue))
        return self._courses_about

    def _meaning(self, tag: str) -> Floats32:
        if not self.embedding or not tag.strip():
            return np.zeros(len(self.catalogue.ids), dtype=np.float32)
        return alike(self.catalogue, tag)

    def _helping(self, tag: str) -> dict[str, tuple[float, str]]:
        """Skill → how much it helps with the tag, and the skill of the tag that it helps."""
        helping: dict[str, tuple[float, str]] = {}
        if self.taxonomy is not None:
            for skill, strength in self.taxonomy.skills_in(tag).items():
                for helper, helps in self.taxonomy.helped_by(skill).items():
                    helping[helper] = max(helping.get(helper, (0.0, "")), (strength * helps, skill))
        return helping

    def _skill_scores(self, tag: str) -> tuple[Floats32, float]:
        """(n,) how much what a course teaches helps with the tag, from 0 to 1, and how surely the tag names a skill."""
        helping = self._helping(tag)
        scores = [
            max((strength * helping[skill][0] for skill, strength in taught.items() if skill in helping), default=0.0)
            for taught in self._taught
        ]
        return np.array(scores, dtype=np.float32), max((each for each, _ in helping.values()), default=0.0)

    def why_tag(self, tag: str, best: Ints) -> list[str]:
        """Which skill it teaches and helps, which words it has, what it shares with the first results."""
        helping = self._helping(tag)
        (_, first), meaning = self._tag(tag), self._meaning(tag)
        asked = self._likeness.shares(vector(tag)[None, :])[0] if self._likeness is not None else np.zeros(0)
        out = []
        for place, words in zip(best, self._text.why_tag(tag, best), strict=True):
            said = []
            taught = [(s * helping[k][0], k) for k, s in self._taught[place].items() if k in helping]
            if taught and self.taxonomy is not None:
                skill = max(taught)[1]
                name, helped = self.taxonomy.name(skill, "en"), self.taxonomy.name(helping[skill][1], "en")
                said.append(f"teaches {name}" if name == helped else f"teaches {name}, which helps {helped}")
            elif self._likeness is not None and (
                skill := self._likeness.shared(asked, self._about(self._likeness)[place])
            ):
                said.append(f"like what is said of {self._likeness.name(skill)}")
            if words:
                said.append(words)
            if meaning[place] >= LEAST_ALIKE:
                said.append(f"close in meaning ({meaning[place]:.2f})")
            if common := self._feedback.shared(first, int(place)):
                said.append(f"shares with the first results: {', '.join(common)}")
            out.append("; ".join(said))
        return out

    # -- employees ------------------------------------------------------------------------------------------------------

    def people_scores(self, rows: Ints) -> Floats32:
        """The kinds of evidence in the weights learnt; without any, popularity and content by reciprocal rank."""
        return _fused(self._parts, self.weights_, rows)

    def why_people(self, rows: Ints, best: Sequence[Ints]) -> list[list[str]]:
        """What the neighbours say, else the content, else popularity."""
        first, *others = self._order()
        told = self._parts[first].why_people(rows, best)
        for name in others:
            lacking = [place for place, mine in enumerate(told) if not all(mine)]
            more = self._parts[name].why_people(rows[lacking], [best[place] for place in lacking]) if lacking else []
            for place, mine in zip(lacking, more, strict=True):
                told[place] = [one or other for one, other in zip(told[place], mine, strict=True)]
        return told

    def _order(self) -> list[str]:
        used = [name for name in ("neighbours", "content", "factors") if self.weights_.get(name, 0) > 0]
        return [*used, "popular"] if self.weights_ else ["content", "popular"]

    def _learn_weights(self, parts: Mapping[str, Recommender]) -> None:
        """Set ``weights_`` and ``held_out_`` from everybody's last enrolment, or fall back and say why."""
        assert self.history is not None
        before, people, course = self.history.without_last()
        if len(people) < FEWEST:
            self._say(f"weights are not learnt: {len(people)} people with two enrolments, {FEWEST} are needed")
            return
        for part in parts.values():
            part.catalogue, part.history = self.catalogue, before
            part.learn()
        chosen = np.random.default_rng(0).permutation(len(people))[:LEARNERS]
        people, course, half = people[chosen], course[chosen], len(chosen) // 2
        shown, which = _choices(parts, before.matrix(), people, course)
        learnt = _logit(shown[:half], which[:half])
        rest = slice(half, None)
        against = {"popular": {"popular": 1.0}, "content": {"content": 1.0}, "popular and content": {}}
        found = {
            name: _gains(parts, weights, before.matrix(), people[rest], course[rest])
            for name, weights in {"learnt": dict(zip(parts, learnt, strict=True)), **against}.items()
        }
        self.held_out_ = {name: float(gain.mean()) for name, gain in found.items()}
        simple = max(against, key=lambda name: self.held_out_[name])
        ahead = found["learnt"] - found[simple]
        if learnt.sum() == 0 or ahead.mean() <= 1.96 * ahead.std() / np.sqrt(len(ahead)):
            self.weights_ = against[simple]
            self._say(
                f"the learnt ranking does not beat {simple} on people held out (nDCG@10 {self.held_out_['learnt']:.3f}"
                f" against {self.held_out_[simple]:.3f}): {simple} alone is used"
            )
            return
        self.weights_ = dict(zip(parts, _logit(shown, which).tolist(), strict=True))


def _fused(parts: Mapping[str, Recommender], weights: Mapping[str, float], rows: Ints) -> Floats32:
    """(len(rows), n) the weighted mean of relative scores; without weights, reciprocal ranks of popularity and content."""
    if weights:
        used = {name: weight for name, weight in weights.items() if weight > 0}
        total = sum(weight * parts[name].people_scores(rows) for name, weight in used.items())
        return np.asarray(total / sum(used.values()), dtype=np.float32)
    fused = sum(_reciprocal(parts[name].people_scores(rows)) for name in ("popular", "content"))
    return np.asarray(fused * (PLACE + 1) / 2, dtype=np.float32)


def _reciprocal(scores: Floats32) -> Floats:
    """1 / (60 + rank) of what has evidence, 0 of the rest."""
    order = np.argsort(-scores, axis=1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(1, scores.shape[1] + 1)[None, :], axis=1)
    return np.where(scores > 0, 1 / (PLACE + rank), 0.0)


def _unseen(scores: Floats32, taken: sparse.csr_matrix, rows: Ints) -> Floats32:
    row, column = taken[rows].nonzero()
    scores[row, column] = 0
    return scores


def _choices(
    parts: Mapping[str, Recommender], taken: sparse.csr_matrix, people: Ints, course: Ints
) -> tuple[Floats32, Ints]:
    """Of those whose last course is among their candidates: (them, candidates, kinds) scores, and which one they chose."""
    shown, which = [], []
    for low in range(0, len(people), BATCH):
        rows, last = people[low : low + BATCH], course[low : low + BATCH]
        each = [part.people_scores(rows) for part in parts.values()]
        total = _unseen(np.sum(each, axis=0), taken, rows)
        k = min(CANDIDATES, total.shape[1])
        top = np.argpartition(-total, k - 1, axis=1)[:, :k]
        chosen = top == last[:, None]
        among = chosen.any(axis=1)
        stacked = np.stack([np.take_along_axis(one, top, axis=1) for one in each], axis=2)
        shown.append(stacked[among])
        which.append(chosen[among].argmax(axis=1))
    return np.concatenate(shown), np.concatenate(which)


def _logit(shown: Floats32, which: Ints) -> Floats:
    """(kinds,) weights, none below 0, under which what was chosen among ``shown`` is the most probable."""
    from scipy.optimize import minimize

    row = np.arange(len(shown))
    if not len(shown):
        return np.zeros(shown.shape[2])

    def loss(weights: Floats) -> tuple[float, Floats]:
        margin = shown @ weights.astype(np.float32)
        odds = np.exp(margin - margin.max(axis=1, keepdims=True))
        share = odds / odds.sum(axis=1, keepdims=True)
        slope = np.einsum("ij,ijk->ik", share, shown) - shown[row, which]
        return float(-np.log(share[row, which] + 1e-12).mean()), slope.mean(axis=0).astype(np.float64)

    kinds = shown.shape[2]
    found = minimize(loss, np.ones(kinds), jac=True, method="L-BFGS-B", bounds=[(0, None)] * kinds)
    return np.asarray(found.x, dtype=np.float64)


def _gains(
    parts: Mapping[str, Recommender],
    weights: Mapping[str, float],
    taken: sparse.csr_matrix,
    people: Ints,
    course: Ints,
) -> Floats:
    """(people,) nDCG@10 of the one course held out: 1 / log2(1 + rank), 0 beyond 10."""
    out = []
    for low in range(0, len(people), BATCH):
        rows, last = people[low : low + BATCH], course[low : low + BATCH]
        scores = _unseen(_fused(parts, weights, rows), taken, rows)
        mine = np.take_along_axis(scores, last[:, None], axis=1)
        before = (
            np.arange(scores.shape[1])[None, :] < last[:, None]
        )  # among equals the first in the catalogue is shown first
        rank = (scores > mine).sum(axis=1) + ((scores == mine) & before).sum(axis=1) + 1
        out.append(np.where((rank <= 10) & (mine[:, 0] > 0), 1 / np.log2(1 + rank), 0.0))
    return np.concatenate(out)
