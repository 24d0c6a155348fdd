"""All evidence together: words, skills, feedback and meaning for tags; history, factors and content for employees.

The weights for employees are learnt from their enrolments (:mod:`.evidence_weights`), those for tags from labelled tags, once and
for all (:mod:`.tag_weights`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from perfml.advice.courses.recommenders.collaborative import FactorRecommender, NeighbourRecommender, PopularRecommender
from perfml.advice.courses.recommenders.contract import CourseScorer
from perfml.advice.courses.recommenders.embedding import E5, MIN_COSINE, encoders, installed
from perfml.advice.courses.recommenders.evidence_weights import fused, learn_weights
from perfml.advice.courses.recommenders.feedback import SkillFeedback
from perfml.advice.courses.recommenders.likeness import Likeness
from perfml.advice.courses.recommenders.ranking import relative
from perfml.advice.courses.recommenders.recommender import Recommender
from perfml.advice.courses.recommenders.tag_weights import TagEvidence, shipped_weights, table_of
from perfml.advice.courses.recommenders.text import MIN_COVERAGE, TextRecommender
from perfml.advice.courses.taxonomy import Taxonomy
from perfml.arrays import Floats, Floats32, Ints
from perfml.errors import PerfmlError
from perfml.messages import Language, Message, chain
from perfml.project.course_policy import SkillExamplesSpec, SkillsSpec
from perfml.project.folder import ProjectFolder
from perfml.project.starter import STARTER

FEEDBACK_WEIGHT = 0.5
"""Weight of feedback relative to words and taxonomy, chosen on half of the tags of a real catalogue (docs/decisions/0016)."""
MIN_SCORE = 0.1
"""Fused score, in [0, 1], below which a course is not shown where words alone rank; chosen on the same tags."""


@dataclass(frozen=True, kw_only=True)
class _WordEvidence:
    """What words, taxonomy and feedback say of the n courses for one tag, each (n,) in [0, 1]."""

    skill: Floats32
    """How much the skills that a course teaches help."""
    known: float
    """How surely the tag names a skill."""
    covered: Floats32
    """Share of the tag's words that the course has."""
    first: Floats32
    """What feedback starts from."""
    fused: Floats32
    """All of it together."""


@cache
def shipped_taxonomy() -> Taxonomy:
    """The taxonomy of ``models/skills.toml`` as perfml ships it."""
    folder = ProjectFolder(STARTER)
    return Taxonomy.of(folder.policy_of(SkillsSpec)[1], folder.policy_of(SkillExamplesSpec)[1])


class CourseRecommender(Recommender):
    """Courses for gap tags, with or without a history of enrolments, and for employees, with one.

    ``taxonomy``: which skills help which, and examples of them; default: the shipped one, and words alone with
    ``use_taxonomy=False``. ``embedding``: whether meaning counts besides words; default: where the extra
    ``perfml[embeddings]`` is installed. After :meth:`fit`, ``weights_`` holds the weight of each kind of evidence for
    employees (empty: popularity and content by reciprocal rank), ``held_out_`` the mean nDCG@10 of each ranking on people held
    out, and ``notices_`` says what fell back: the weights, or meaning to its first encoder.

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
        self.encoders = encoders() if self.embedding else ()
        self.taxonomy = taxonomy if taxonomy is not None or not use_taxonomy else shipped_taxonomy()
        self.weights_: Mapping[str, float] = {}
        self.held_out_: Mapping[str, float] = {}

    def fresh(self) -> Recommender:
        """Another with the same taxonomy and encoders."""
        other = type(self)(taxonomy=self.taxonomy, use_taxonomy=self.taxonomy is not None, embedding=self.embedding)
        other.encoders = self.encoders
        return other

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
        if self.taxonomy is not None and self.taxonomy.examples is not None:
            self._likeness = Likeness(self.taxonomy, self.taxonomy.examples, encoders=self.encoders)
            self._weights = shipped_weights(table_of(self.encoders))
            if self.encoders and E5 not in self.encoders:
                self.notices_ += (Message.of("course_encoder_missing", encoder=E5.distribution),)
        for derived in ("_course_shares", "_course_vectors"):
            self.__dict__.pop(derived, None)

    # -- tags -----------------------------------------------------------------------------------------------------------

    def tag_scores(self, tag: str) -> Floats32:
        """(n,) the probability that a course helps with the tag (:class:`~.tag_weights.TagWeights`), or the scores
        :meth:`by_words_alone`."""
        scores = self.by_words_alone(tag)
        return self._weights.shown(self.tag_evidence(tag)) if scores is None else scores

    def by_words_alone(self, tag: str) -> Floats32 | None:
        """(n,) the fused scores of words, taxonomy and feedback where they rank alone: where a course has every word of the tag
        (:meth:`TextRecommender.complete`), which no likeness improves, and without examples of skills. None elsewhere."""
        complete = self._text.complete(tag)
        if self._likeness is not None and not complete:
            return None
        evidence = self._by_words(tag)
        total, close = evidence.fused.copy(), evidence.covered >= MIN_COVERAGE
        if not complete and (evidence.known or not close.any()):
            total[(evidence.skill == 0) & ~close] = 0
        total[total < MIN_SCORE] = 0
        return total

    def tag_evidence(self, tag: str) -> TagEvidence:
        """What speaks for each course: what the probability is made of. Needs a taxonomy with examples of skills."""
        assert self._likeness is not None
        evidence = self._by_words(tag)
        same, helping = self._likeness.agreement(self._likeness.of_tag(tag), self._course_shares)
        return TagEvidence(
            named=evidence.known == 1,
            fused=evidence.fused,
            covered=evidence.covered,
            same=same,
            helping=helping,
            cosine=self._cosines(tag),
        )

    def _by_words(self, tag: str) -> _WordEvidence:
        skill, known = self._skill_scores(tag)
        covered = self._text.coverage(tag)
        first = skill + covered * relative(self._text.bm25(tag)[None, :])[0]
        before = first / (known + 1)
        common = float(before.max(initial=0)) * self._feedback.scores(first)
        return _WordEvidence(
            skill=skill,
            known=known,
            covered=covered,
            first=first,
            fused=np.asarray((before + FEEDBACK_WEIGHT * common) / (1 + FEEDBACK_WEIGHT), dtype=np.float32),
        )

    @cached_property
    def _course_shares(self) -> Floats:
        """(n, skills + 1) the skills each course is about; computed for the first tag, since each course must be embedded."""
        assert self._likeness is not None
        return self._likeness.of_courses(self.catalogue, self._course_vectors)

    @cached_property
    def _course_vectors(self) -> Floats32 | None:
        return None if self._likeness is None else self._likeness.course_vectors(self.catalogue)

    def _cosines(self, tag: str) -> Floats32:
        """(n,) how close each course is to the tag in meaning; 0 without an encoder."""
        if self._likeness is None or self._course_vectors is None:
            return np.zeros(len(self.catalogue.ids), dtype=np.float32)
        return self._likeness.cosines(tag, self._course_vectors)

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
        helping, first = self._helping(tag), self._by_words(tag).first
        asked = self._likeness.of_tag(tag) if self._likeness is not None else np.zeros(0)
        meaning = self._cosines(tag)
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
            shared = self._likeness.shared(asked, self._course_shares[course])
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
