"""All evidence together: words, skills, feedback and meaning for tags; history, factors and content for employees.

The weights for employees are learnt (:mod:`.evidence_weights`). Those for tags are constants: no enrolment says what a tag
means. They are frozen: the goal they were chosen for is not reached (docs/decisions/0016), and more of them will not reach it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
from scipy.special import expit

from perfml.advice.courses.recommenders.collaborative import FactorRecommender, NeighbourRecommender, PopularRecommender
from perfml.advice.courses.recommenders.contract import CourseScorer
from perfml.advice.courses.recommenders.embedding import MIN_COSINE, alike, installed, of_courses, vector
from perfml.advice.courses.recommenders.evidence_weights import fused, learn_weights
from perfml.advice.courses.recommenders.feedback import SkillFeedback
from perfml.advice.courses.recommenders.likeness import Likeness
from perfml.advice.courses.recommenders.ranking import relative
from perfml.advice.courses.recommenders.recommender import Recommender
from perfml.advice.courses.recommenders.text import MIN_COVERAGE, TextRecommender
from perfml.advice.courses.taxonomy import Taxonomy
from perfml.arrays import Floats, Floats32, Ints
from perfml.errors import PerfmlError
from perfml.messages import Language, Message, chain
from perfml.project.course_policy import SkillExamplesSpec, SkillsSpec
from perfml.project.folder import ProjectFolder
from perfml.project.starter import STARTER

SKILL_WEIGHT, FEEDBACK_WEIGHT, MEANING_WEIGHT = 1.0, 0.5, 1.0
"""Weights of taxonomy, feedback and embedding relative to the words of a tag, chosen on half of the tags of a real catalogue
(docs/decisions/0016)."""
MIN_SCORE = 0.1
"""Score, in [0, 1], below which a result is not shown; chosen on the same tags."""
LOGIT_COEFFICIENTS = (-1.95, 11.42, 6.32, 0.22, 0.4)
"""Log-odds that a course helps with a tag, where there are examples of skills: a constant, and the coefficients of the fused
score, of the lead in cosine over the :data:`CLOSEST_COURSES`, and of the log-probabilities of agreement on a skill and on one
that helps it. Logistic regression on the first labelled tags (tests/advice/courses/labelled); other tags measure it."""
MIN_SKILL_SHARE = 0.9
"""Probability of one skill from which likeness alone is an answer for a tag; subjects outside a catalogue seldom reach it."""
CLOSEST_COURSES = 3
"""Courses whose mean cosine the lead is measured from."""
MIN_PROBABILITY, MIN_SHARE_OF_BEST = 0.1, 0.15
"""Probability, and share of the largest probability, below which a course is not shown; chosen on the first labelled tags."""


@cache
def shipped_taxonomy() -> Taxonomy:
    """The taxonomy of ``models/skills.toml`` as perfml ships it."""
    folder = ProjectFolder(STARTER)
    return Taxonomy.of(folder.policy_of(SkillsSpec)[1], folder.policy_of(SkillExamplesSpec)[1])


class CourseRecommender(Recommender):
    """Courses for gap tags, with or without a history of enrolments, and for employees, with one.

    ``taxonomy``: which skills help which; default: the shipped one, and none with ``use_taxonomy=False``. ``embedding``:
    whether meaning counts besides words; default: where the extra ``perfml[embeddings]`` is installed. After :meth:`fit`,
    ``weights_`` holds the weight of each kind of evidence for employees (empty: popularity and content by reciprocal rank;
    ``notices_`` says why it fell back), and ``held_out_`` the mean nDCG@10 of each ranking on people held out.

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
        """Another with the same taxonomy and embedding."""
        return type(self)(taxonomy=self.taxonomy, use_taxonomy=self.taxonomy is not None, embedding=self.embedding)

    def learn(self) -> None:
        """Learn the weights, fit each kind of evidence, and index the skills that each course teaches."""
        self._text = TextRecommender()
        self._scorers: dict[str, CourseScorer] = {"content": self._text}
        self.weights_, self.held_out_ = {}, {}
        if self.history is not None:
            self._scorers |= {
                "neighbours": NeighbourRecommender(),
                "factors": FactorRecommender(),
                "popular": PopularRecommender(),
            }
            self.weights_, self.held_out_, notice = learn_weights(self._scorers, self.catalogue, self.history)
            self.notices_ += () if notice is None else (notice,)
        for scorer in self._scorers.values():
            scorer.learn_from(self.catalogue, self.history)
        self._feedback = SkillFeedback(self.catalogue)
        fields = zip(self.catalogue.titles, self.catalogue.summaries, self.catalogue.skills, strict=True)
        self._taught = [self.taxonomy.taught_by(*each) if self.taxonomy else {} for each in fields]
        self._likeness: Likeness | None = None
        if self.embedding and self.taxonomy is not None and self.taxonomy.examples is not None:
            self._likeness = Likeness(self.taxonomy, self.taxonomy.examples)
        self._shares: Floats | None = None

    # -- tags -----------------------------------------------------------------------------------------------------------

    def tag_scores(self, tag: str) -> Floats32:
        """(n,) weighted mean of words, taxonomy, feedback and meaning; with examples of skills the probability that a course
        helps (:data:`LOGIT_COEFFICIENTS`)."""
        return self._tag(tag)[0]

    def _tag(self, tag: str) -> tuple[Floats32, Floats32]:
        """(n,) the scores, and those that feedback started from."""
        skill, known = self._skill_scores(tag)
        covered, meaning = self._text.coverage(tag), self._meaning(tag)
        wording = covered * relative(self._text.bm25(tag)[None, :])[0]
        before = (SKILL_WEIGHT * skill + wording) / (SKILL_WEIGHT * known + 1)
        weight = MEANING_WEIGHT if self.embedding else 0.0
        first = np.asarray(SKILL_WEIGHT * skill + wording + weight * meaning, dtype=np.float32)
        common = float(before.max(initial=0)) * self._feedback.scores(first)
        total = (before + FEEDBACK_WEIGHT * common + weight * meaning) / (1 + FEEDBACK_WEIGHT + weight)
        level = float(covered.max(initial=0))
        close = (covered >= MIN_COVERAGE) | (meaning >= MIN_COSINE)
        if self._likeness is not None:
            answered = known > 0 or bool(close.any())
            return self._probability(self._likeness, tag, total=total, meaning=meaning, known=answered), first
        if known or level < MIN_COVERAGE:  # similar wording alone is no answer
            total[(skill == 0) & ~close] = 0
        total[(total < MIN_SCORE) | ((before == 0) & (common == 0) & ~close)] = 0
        return np.asarray(total, dtype=np.float32), first

    def _probability(
        self, likeness: Likeness, tag: str, *, total: Floats32, meaning: Floats32, known: bool
    ) -> Floats32:
        """(n,) the probability that a reader says that a course helps with ``tag``; 0 where it is too small, and everywhere
        unless the tag is ``known`` by its words or clearly like one skill."""
        (asked,) = likeness.shares(vector(tag)[None, :])
        if not known and asked[:-1].max() < MIN_SKILL_SHARE:
            return np.zeros_like(total, dtype=np.float32)
        same, helping = likeness.agreement(asked, self._course_shares(likeness))
        lead = meaning - np.sort(meaning)[-CLOSEST_COURSES:].mean()
        odds = np.stack([np.ones(len(total)), total, lead, same, helping], axis=1) @ np.array(LOGIT_COEFFICIENTS)
        probability = expit(odds)
        probability[probability < max(MIN_PROBABILITY, MIN_SHARE_OF_BEST * probability.max(initial=0))] = 0
        return np.asarray(probability, dtype=np.float32)

    def _course_shares(self, likeness: Likeness) -> Floats:
        """(n, skills + 1) the skills each course is about; computed for the first tag, since each course must be embedded."""
        if self._shares is None:
            self._shares = likeness.shares(of_courses(self.catalogue))
        return self._shares

    def _meaning(self, tag: str) -> Floats32:
        if not self.embedding or not tag.strip():
            return np.zeros(len(self.catalogue.ids), dtype=np.float32)
        return alike(self.catalogue, tag)

    def _helping(self, tag: str) -> dict[str, tuple[float, str]]:
        """Skill → how much it helps with the tag, in (0, 1], and the skill of the tag that it helps."""
        helping: dict[str, tuple[float, str]] = {}
        if self.taxonomy is not None:
            for skill, strength in self.taxonomy.skills_in(tag).items():
                for helper, helps in self.taxonomy.helped_by(skill).items():
                    helping[helper] = max(helping.get(helper, (0.0, "")), (strength * helps, skill))
        return helping

    def _skill_scores(self, tag: str) -> tuple[Floats32, float]:
        """(n,) how much the skills that a course teaches help with the tag, in [0, 1]; and how surely the tag names a skill."""
        helping = self._helping(tag)
        scores = [
            max((strength * helping[skill][0] for skill, strength in taught.items() if skill in helping), default=0.0)
            for taught in self._taught
        ]
        return np.array(scores, dtype=np.float32), max((each for each, _ in helping.values()), default=0.0)

    def why_tag(self, tag: str, best: Ints) -> list[Message | None]:
        """The skill that a course teaches and helps, the words it contains, what it shares with the first results."""
        helping = self._helping(tag)
        (_, first), meaning = self._tag(tag), self._meaning(tag)
        asked = self._likeness.shares(vector(tag)[None, :])[0] if self._likeness is not None else np.zeros(0)
        out: list[Message | None] = []
        for course, wording in zip(best, self._text.why_tag(tag, best), strict=True):
            lines = [self._why_skill(course, helping, asked), wording]
            if meaning[course] >= MIN_COSINE:
                lines.append(Message.of("course_close_in_meaning", cosine=float(meaning[course])))
            if common := self._feedback.shared(first, int(course)):
                lines.append(Message.of("course_shares_skills", skills=chain("listed", common)))
            evidence = [line for line in lines if line is not None]
            out.append(chain("course_also", evidence) if evidence else None)
        return out

    def names(self, language: Language) -> Mapping[str, str]:
        """What the taxonomy calls its skills."""
        taxonomy = self.taxonomy
        return {} if taxonomy is None else {skill: taxonomy.name(skill, language) for skill in taxonomy.spec.skills}

    def _why_skill(self, course: int, helping: Mapping[str, tuple[float, str]], asked: Floats) -> Message | None:
        """The skill that the course teaches and the tag needs, by its words, else by likeness; None for neither."""
        taught = [(s * helping[k][0], k) for k, s in self._taught[course].items() if k in helping]
        if taught and self.taxonomy is not None:
            skill = max(taught)[1]
            helped = helping[skill][1]
            if skill == helped:
                return Message.of("course_teaches", taught=(skill,))
            return Message.of("course_teaches_helping", taught=(skill,), wanted=(helped,))
        if self._likeness is not None:
            shared = self._likeness.shared(asked, self._course_shares(self._likeness)[course])
            return Message.of("course_like_skill", skill=(shared,)) if shared else None
        return None

    # -- employees ------------------------------------------------------------------------------------------------------

    def people_scores(self, rows: Ints) -> Floats32:
        """(len(rows), n) the kinds of evidence by ``weights_``; without weights, popularity and content by reciprocal rank."""
        return fused(self._scorers, self.weights_, rows)

    def why_people(self, rows: Ints, best: Sequence[Ints]) -> list[list[Message | None]]:
        """The evidence of the neighbours, else of the content, else of popularity."""
        first, *others = self._order()
        evidence = self._scorers[first].why_people(rows, best)
        for name in others:
            lacking = [row for row, mine in enumerate(evidence) if not all(mine)]
            more = self._scorers[name].why_people(rows[lacking], [best[row] for row in lacking]) if lacking else []
            for row, mine in zip(lacking, more, strict=True):
                evidence[row] = [why or other for why, other in zip(evidence[row], mine, strict=True)]
        return evidence

    def _order(self) -> list[str]:
        used = [name for name in ("neighbours", "content", "factors") if self.weights_.get(name, 0) > 0]
        return [*used, "popular"] if self.weights_ else ["content", "popular"]
