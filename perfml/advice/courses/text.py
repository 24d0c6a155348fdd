"""Courses whose title, summary or skills hold the words of a tag: BM25 for each field, without a segmenter or a dictionary.

Chinese is read in pairs of characters, which find words without knowing where they end (Nie, Gao & Zhou 2000); Latin script in
stemmed words. Each field has its own index and average length, and the fields' scores are added: in BM25F's single sum
(Robertson, Zaragoza & Taylor 2004) the long summary of a course drowned its title and skills. Measured on a real catalogue.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from scipy import sparse

from perfml.advice.courses.collaborative import Neighbours, neighbours_of
from perfml.advice.courses.recommender import Catalogue, Recommender, relative
from perfml.advice.courses.taxonomy import stem
from perfml.arrays import Floats32, Ints

TITLE, SKILLS = 0.5, 1.0
"""Weights of title and skills beside title and summary read as one."""
NAMED, MENTIONED = 1.0, 0.5
"""What a word counts towards the coverage of a tag in title or skills, and in the summary only."""
LEAST_COVERED = 0.55
"""A tag is answered only where a course holds so much of it, by information: see docs/decisions/0016."""
LIKE = 50
_WORD = re.compile(r"[a-z0-9à-öø-ɏ]+[+#]*|[㐀-鿿豈-﫿]+")
_GAP = re.compile(
    r"(有待|待|需要?|亟待|仍需|尚需|急需|还需)?(进一步)?(加强|提升|提高|改善|改进|强化|完善)"
    r"|有待|不足|不够|欠缺|欠佳|薄弱|较弱|偏弱|缺乏|缺少|能力"
    r"|\b(needs? (to )?(improve(ment)?|work|development)|to be improved|should improve)\b"
    r"|\b(lack(s|ing)?( of)?|weak(ness)?( in)?|poor|skills?)\b"
)
"""Words that say that there is a gap, not which."""


@lru_cache(maxsize=200_000)
def tokens(text: str) -> tuple[str, ...]:
    """Stemmed words of Latin script and pairs of Chinese characters; a lone character stays one.

    >>> tokens("Planning 跨部门协作")
    ('plan', '跨部', '部门', '门协', '协作')
    """
    found: list[str] = []
    for piece in _WORD.findall(text.lower()):
        if piece[0] < "㐀":
            found.append(stem(piece))
        else:
            found += [piece[i : i + 2] for i in range(max(1, len(piece) - 1))]
    return tuple(found)


def query_tokens(tag: str) -> tuple[str, ...]:
    """The tokens of a tag without the words that only say that there is a gap.

    >>> query_tokens("沟通能力待加强"), query_tokens("planning needs improvement")
    (('沟通',), ('plan',))
    """
    asked = _GAP.sub("，", tag.lower())
    return tokens(asked) or tokens(tag)


class Field:
    """BM25 over one field of the courses (bm25s, Lucene's variant: a word that a course lacks adds nothing)."""

    def __init__(self, texts: Sequence[tuple[str, ...]]) -> None:
        import bm25s

        self._n = len(texts)
        self._index: Any = None
        if any(texts):
            self._index = bm25s.BM25(k1=1.5, b=0.75, method="lucene")
            self._index.index([list(words) for words in texts], show_progress=False)
        self.holds = [frozenset(words) for words in texts]

    def scores(self, asked: Sequence[str]) -> Floats32:
        """(n,) scores; words that no course has are left out."""
        known = [word for word in asked if self._index is not None and word in self._index.vocab_dict]
        found = self._index.get_scores(known) if known else np.zeros(self._n)
        return np.asarray(found, dtype=np.float32)


class TextRecommender(Recommender):
    """For tags: courses that hold their words. For employees: courses worded like those they took (TF-IDF cosine)."""

    def learn(self) -> None:
        """Index the catalogue; where there is a history, also which courses are worded alike."""
        self.title, self.both, self.skills = (Field(texts) for texts in field_tokens(self.catalogue))
        self._present = Counter(word for a, b in zip(self.both.holds, self.skills.holds, strict=True) for word in a | b)
        self._where: dict[str, list[int]] = {}
        for place, (a, b) in enumerate(zip(self.both.holds, self.skills.holds, strict=True)):
            for word in a | b:
                self._where.setdefault(word, []).append(place)
        self.alike: Neighbours | None = None
        if self.history is not None:
            self.alike = Neighbours(self.history, worded_alike(self.catalogue), "worded like")

    def tag_scores(self, tag: str) -> Floats32:
        """Relative scores times how much of the tag the best course holds; nothing below :data:`LEAST_COVERED`."""
        covered = float(self.coverage(tag).max(initial=0))
        if covered < LEAST_COVERED:
            return np.zeros(len(self.catalogue.ids), dtype=np.float32)
        return np.asarray(covered * relative(self.words(tag)[None, :])[0], dtype=np.float32)

    def words(self, tag: str) -> Floats32:
        """(n,) BM25 of all fields together, without a bound."""
        asked = query_tokens(tag)
        found = self.both.scores(asked) + TITLE * self.title.scores(asked) + SKILLS * self.skills.scores(asked)
        return np.asarray(found, dtype=np.float32)

    def coverage(self, tag: str) -> Floats32:
        """(n,) which share of the tag a course holds, from 0 to 1, each word weighed by its information (idf): a word that no
        course has weighs most, so that *underwater welding* is not answered with what is *under water*."""
        asked = dict.fromkeys(query_tokens(tag))
        n = len(self.catalogue.ids)
        found, whole = np.zeros(n), 0.0
        for word in asked:
            times = self._present[word]
            weight = float(np.log1p((n - times + 0.5) / (times + 0.5)))
            whole += weight
            for place in self._where.get(word, ()):
                central = word in self.title.holds[place] or word in self.skills.holds[place]
                found[place] += weight * (NAMED if central else MENTIONED)
        return np.asarray(found / (whole or 1.0), dtype=np.float32)

    def why_tag(self, tag: str, best: Ints) -> list[str]:
        """The words found, as the tag has them, and in which field."""
        written = {stem(word): word for word in _WORD.findall(tag.lower())}
        asked = list(dict.fromkeys(query_tokens(tag)))
        fields = (("title", self.title), ("skills", self.skills), ("summary", self.both))
        out = []
        for place in best:
            said: list[str] = []
            for name, field in fields:
                words = [written.get(word, word) for word in asked if word in field.holds[place]]
                if words and not (name == "summary" and said):
                    said.append(f"{name} has {', '.join(words)}")
            out.append("; ".join(said))
        return out

    def people_scores(self, rows: Ints) -> Floats32:
        """Likeness to what the person took, the latest the most."""
        assert self.alike is not None
        return relative(self.alike.scores(rows))

    def why_people(self, rows: Ints, best: Sequence[Ints]) -> list[list[str]]:
        """The course taken that is most alike."""
        assert self.alike is not None
        return self.alike.why(rows, best, self.catalogue)


def field_tokens(catalogue: Catalogue) -> tuple[list[tuple[str, ...]], ...]:
    """Tokens of every course's title, of title and summary, and of its skills."""
    titles = [tokens(title) for title in catalogue.titles]
    both = [title + tokens(summary) for title, summary in zip(titles, catalogue.summaries, strict=True)]
    return titles, both, [tuple(t for one in skills for t in tokens(one)) for skills in catalogue.skills]


def worded_alike(catalogue: Catalogue) -> sparse.csr_matrix:
    """(n, n) cosine of the TF-IDF of title words and whole skills, each row's :data:`LIKE` largest."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    said = [
        [*tokens(title), *(f"={skill.lower()}" for skill in skills)]
        for title, skills in zip(catalogue.titles, catalogue.skills, strict=True)
    ]
    if not any(said):
        return sparse.csr_matrix((len(said), len(said)), dtype=np.float32)
    features = TfidfVectorizer(analyzer=list, sublinear_tf=True, dtype=np.float32).fit_transform(said).tocsr()
    return neighbours_of(features, features.T.tocsr(), LIKE)
