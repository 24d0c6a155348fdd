"""Courses whose title, summary or skills contain the words of a tag: BM25 for each field, without a segmenter or a dictionary.

Chinese is read as pairs of characters, which match words without knowing their boundaries (Nie, Gao & Zhou 2000); Latin script
as stemmed words. Each field has its own index and average length, and the scores of the fields are added: in the single sum of
BM25F (Robertson, Zaragoza & Taylor 2004) the long summary of a course drowned its title and skills. Measured on a real catalogue.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import bm25s
import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer

from perfml.advice.courses.recommenders.collaborative import Neighbours, neighbours_of
from perfml.advice.courses.recommenders.frames import Catalogue
from perfml.advice.courses.recommenders.ranking import relative
from perfml.advice.courses.recommenders.recommender import Recommender
from perfml.advice.courses.taxonomy import stem
from perfml.arrays import Floats32, Ints
from perfml.messages import Message, chain

TITLE_WEIGHT, SKILLS_WEIGHT = 0.5, 1.0
"""Weights of title and skills relative to title and summary read as one field (docs/decisions/0016)."""
CENTRAL_COVERAGE, SUMMARY_COVERAGE = 1.0, 0.5
"""What a word counts towards the coverage of a tag: in title or skills, and in the summary only."""
MIN_COVERAGE = 0.55
"""Share of a tag, by information, that a course must contain for the tag to be answered: see docs/decisions/0016."""
MAX_NEIGHBOURS = 50
"""Courses of similar wording stored for each course."""
_WORD = re.compile(r"[a-z0-9à-öø-ɏ]+[+#]*|[㐀-鿿豈-﫿]+")
_GAP = re.compile(
    r"(有待|待|需要?|亟待|仍需|尚需|急需|还需)?(进一步)?(加强|提升|提高|改善|改进|强化|完善)"
    r"|有待|不足|不够|欠缺|欠佳|薄弱|较弱|偏弱|缺乏|缺少|能力"
    r"|\b(needs? (to )?(improve(ment)?|work|development)|to be improved|should improve)\b"
    r"|\b(lack(s|ing)?( of)?|weak(ness)?( in)?|poor|skills?)\b"
)
"""Words that state a gap without naming it."""


@lru_cache(maxsize=200_000)
def tokens(text: str) -> tuple[str, ...]:
    """Stemmed words of Latin script and pairs of Chinese characters; a lone character stays one.

    >>> tokens("Planning 跨部门协作")
    ('plan', '跨部', '部门', '门协', '协作')
    """
    out: list[str] = []
    for piece in _WORD.findall(text.lower()):
        if piece[0] < "㐀":
            out.append(stem(piece))
        else:
            out += [piece[i : i + 2] for i in range(max(1, len(piece) - 1))]
    return tuple(out)


def query_tokens(tag: str) -> tuple[str, ...]:
    """The tokens of a tag without the words that only state a gap.

    >>> query_tokens("沟通能力待加强"), query_tokens("planning needs improvement")
    (('沟通',), ('plan',))
    """
    asked = _GAP.sub("，", tag.lower())
    return tokens(asked) or tokens(tag)


class FieldIndex:
    """BM25 over one field of the n courses (bm25s, Lucene's variant: a word that a course lacks adds nothing)."""

    def __init__(self, texts: Sequence[tuple[str, ...]]) -> None:
        self._n = len(texts)
        self._index: Any = None
        if any(texts):
            self._index = bm25s.BM25(k1=1.5, b=0.75, method="lucene")
            self._index.index([list(each) for each in texts], show_progress=False)
        self.holds = [frozenset(each) for each in texts]

    def scores(self, asked: Sequence[str]) -> Floats32:
        """(n,) scores; words that no course has are left out."""
        known = [word for word in asked if self._index is not None and word in self._index.vocab_dict]
        return np.asarray(self._index.get_scores(known) if known else np.zeros(self._n), dtype=np.float32)


class TextRecommender(Recommender):
    """For tags: courses that contain their words. For employees: courses worded like those they took (TF-IDF cosine)."""

    def learn(self) -> None:
        """Index the catalogue and, where there is a history, find courses of similar wording."""
        self.title, self.both, self.skills = (FieldIndex(texts) for texts in field_tokens(self.catalogue))
        self._present = Counter(word for a, b in zip(self.both.holds, self.skills.holds, strict=True) for word in a | b)
        self._courses_with: dict[str, list[int]] = {}
        for course, (a, b) in enumerate(zip(self.both.holds, self.skills.holds, strict=True)):
            for word in a | b:
                self._courses_with.setdefault(word, []).append(course)
        self.alike: Neighbours | None = None
        if self.history is not None:
            self.alike = Neighbours(self.history, worded_alike(self.catalogue))

    def tag_scores(self, tag: str) -> Floats32:
        """(n,) relative scores times the coverage of the best course; 0 where that is below :data:`MIN_COVERAGE`."""
        covered = float(self.coverage(tag).max(initial=0))
        if covered < MIN_COVERAGE:
            return np.zeros(len(self.catalogue.ids), dtype=np.float32)
        return np.asarray(covered * relative(self.bm25(tag)[None, :])[0], dtype=np.float32)

    def bm25(self, tag: str) -> Floats32:
        """(n,) the sum of all fields, unbounded."""
        asked = query_tokens(tag)
        title, skills = TITLE_WEIGHT * self.title.scores(asked), SKILLS_WEIGHT * self.skills.scores(asked)
        return np.asarray(self.both.scores(asked) + title + skills, dtype=np.float32)

    def coverage(self, tag: str) -> Floats32:
        """(n,) share of the tag that each course contains, in [0, 1], each word weighted by its information (idf): a word that
        no course has weighs most, so that *underwater welding* is not answered with what is *under water*."""
        asked = dict.fromkeys(query_tokens(tag))
        n = len(self.catalogue.ids)
        covered, whole = np.zeros(n), 0.0
        for word in asked:
            times = self._present[word]
            weight = float(np.log1p((n - times + 0.5) / (times + 0.5)))
            whole += weight
            for course in self._courses_with.get(word, ()):
                central = word in self.title.holds[course] or word in self.skills.holds[course]
                covered[course] += weight * (CENTRAL_COVERAGE if central else SUMMARY_COVERAGE)
        return np.asarray(covered / (whole or 1.0), dtype=np.float32)

    def complete(self, tag: str) -> bool:
        """Whether some course has every word of the tag, and not in its summary alone."""
        having = [set(self._courses_with.get(word, ())) for word in set(query_tokens(tag))]
        courses = sorted(set.intersection(*having)) if having else []
        return bool((self.coverage(tag)[courses] >= MIN_COVERAGE).any())

    def why_tag(self, tag: str, best: Ints) -> list[Message | None]:
        """The matching words, as written in the tag, and their field."""
        written = {stem(word): word for word in _WORD.findall(tag.lower())}
        asked = list(dict.fromkeys(query_tokens(tag)))
        fields = (
            ("course_title_has", self.title),
            ("course_skills_have", self.skills),
            ("course_summary_has", self.both),
        )
        out: list[Message | None] = []
        for course in best:
            matches: list[Message] = []
            for code, field in fields:
                common = [written.get(word, word) for word in asked if word in field.holds[course]]
                if common and not (code == "course_summary_has" and matches):
                    matches.append(Message.of(code, words=chain("listed", common)))
            out.append(chain("course_also", matches) if matches else None)
        return out

    def people_scores(self, rows: Ints) -> Floats32:
        """Similarity to what the person took, the latest counting most."""
        assert self.alike is not None
        return relative(self.alike.scores(rows))

    def why_people(self, rows: Ints, best: Sequence[Ints]) -> list[list[Message | None]]:
        """The most similar course taken."""
        assert self.alike is not None
        return self.alike.why(rows, best, catalogue=self.catalogue, code="course_worded_alike")


def field_tokens(catalogue: Catalogue) -> tuple[list[tuple[str, ...]], ...]:
    """Tokens of every course's title, of title and summary, and of its skills."""
    titles = [tokens(title) for title in catalogue.titles]
    both = [title + tokens(summary) for title, summary in zip(titles, catalogue.summaries, strict=True)]
    return titles, both, [tuple(token for skill in skills for token in tokens(skill)) for skills in catalogue.skills]


def worded_alike(catalogue: Catalogue) -> sparse.csr_matrix:
    """(n, n) cosine of the TF-IDF of title words and whole skills, the :data:`MAX_NEIGHBOURS` largest of each row."""
    documents = [
        [*tokens(title), *(f"={skill.lower()}" for skill in skills)]
        for title, skills in zip(catalogue.titles, catalogue.skills, strict=True)
    ]
    if not any(documents):
        return sparse.csr_matrix((len(documents), len(documents)), dtype=np.float32)
    features = TfidfVectorizer(analyzer=list, sublinear_tf=True, dtype=np.float32).fit_transform(documents).tocsr()
    return neighbours_of(features, features.T.tocsr(), most=MAX_NEIGHBOURS)
