"""Definitions for course matching: the limits of a suggestion, and the skills that tags and courses are about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from perfml.project.spec import Days, ForWhom, Policy, Spec

Strength = Annotated[float, Field(gt=0, le=1)]
LanguageCode = Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]
SkillId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class ClosureRules(Spec):
    """When observed gap closure may change the rank of a course."""

    fewest_people: Annotated[int, Field(ge=2)] = 20
    """Fewest people who completed the course, and fewest who did not, for a figure to be shown."""


class CoursePolicy(Policy):
    """``models/<name>.toml`` of kind ``course_match``: the limits within which courses are suggested.

    The weights of text, skills, history and closure are learnt from the data and not set here.
    """

    kind: Literal["course_match"] = "course_match"
    """Marks the file as this policy."""
    zh: str
    """The title in Chinese."""
    en: str
    """The title in English."""
    languages: Annotated[tuple[LanguageCode, ...], Field(min_length=1)] = ("zh", "en")
    """The languages that people can read."""
    languages_by_location: Mapping[str, Annotated[tuple[LanguageCode, ...], Field(min_length=1)]] = {}
    """Exceptions by the location of the position."""
    course_level_by_position_level: Mapping[int, Annotated[int, Field(ge=1, le=5)]] = {}
    """The course level for a position level; a level that is not listed uses the next lower one that is.
    Empty: levels are ignored."""
    steps_above: Annotated[int, Field(ge=0, le=4)] = 1
    """Most levels by which a course may be above the person's."""
    steps_below: Annotated[int, Field(ge=0, le=4)] = 1
    """Most levels by which a course may be below the person's: a lower one teaches nothing new. Prerequisites are exempt."""
    hours_per_quarter: Annotated[float, Field(gt=0)] = 16
    """Hours available for learning in a quarter; courses in progress are subtracted."""
    most_courses: Annotated[int, Field(ge=1, le=20)] = 3
    """Courses for one person at a time, prerequisites included."""
    minimum_score: Annotated[float, Field(ge=0, le=1)] = 0
    """Lowest score of a suggested course, on the recommender's scale of 0 to 1."""
    open_days: Days = 548
    """Days for which a gap tag stays open after it was noted, if no later review follows."""
    running_days: Days = 182
    """Days for which an enrolment that is not completed takes a seat and the person's hours."""
    use_proposed: bool = True
    """Also suggest courses for gaps proposed from the words of a review. Such a suggestion says that a person must confirm
    the gap first."""
    use_embedding: bool = False
    """Also compare meanings, with the multilingual encoders of ``perfml[embeddings]``, which must be installed."""
    population: ForWhom = ForWhom()
    """For whom the policy suggests; others get nothing from it."""
    courses_where: str | None = None
    """The part of the catalogue that is suggested: SQL over the columns of ``courses``, such as ``list_contains(skills, 'crm')``.
    Default: all of it."""
    closure: ClosureRules = ClosureRules()
    """When observed gap closure counts in the ranking."""

    def course_level(self, position_level: int | None) -> int | None:
        """The course level for a position level; None if the level is unknown or below all listed levels.

        >>> policy = CoursePolicy(zh="", en="", course_level_by_position_level={2: 1, 4: 2})
        >>> policy.course_level(3), policy.course_level(9), policy.course_level(1), policy.course_level(None)
        (1, 2, None, None)
        """
        if position_level is None:
            return None
        below = [level for level in self.course_level_by_position_level if level <= position_level]
        return self.course_level_by_position_level[max(below)] if below else None

    def languages_at(self, location: str | None) -> tuple[str, ...]:
        """The languages that people at ``location`` can read."""
        return self.languages_by_location.get(location or "", self.languages)


class Skill(Spec):
    """One skill: its names, the words by which it is recognised, and the skills that help it."""

    zh: str
    """The name of the skill in Chinese."""
    en: str
    """The name of the skill in English."""
    aliases: tuple[str, ...] = ()
    """Other words for this skill, in any language, besides its names and its id."""
    hints: tuple[str, ...] = ()
    """Words that only suggest the skill; they count half."""
    helped_by: Mapping[str, Strength] = {}
    """Skills that improve this one too when learnt, each with its strength; one step, never followed further."""
    proposed: bool = True
    """Whether the words of a review may propose the skill as a gap; false for what must not be guessed."""


class Cues(Spec):
    """Words by which a sentence of a review names a gap."""

    wants: tuple[str, ...] = ()
    """Marks what *follows* as a gap: 缺乏……, needs to …"""
    lacks: tuple[str, ...] = ()
    """Marks what comes *before* as a gap: ……不足, … was unclear."""
    praises: tuple[str, ...] = ()
    """Marks no gap, even if it contains another cue: 不需要提升, has improved."""
    turns: tuple[str, ...] = ()
    """Marks a contrast: praise before it does not apply to what follows: 但是, however."""


class SkillsSpec(Spec):
    """``models/<name>.toml`` of kind ``skills``: a small taxonomy in Chinese and English."""

    kind: Literal["skills"] = "skills"
    """Marks the file as a taxonomy of skills."""
    zh: str
    """The title in Chinese."""
    en: str
    """The title in English."""
    skills: Mapping[SkillId, Skill]
    """Skill id -> skill."""
    no_skill: tuple[str, ...] = ()
    """Phrases in which the name of a skill means something else: a merge conflict is not one between people."""
    cues: Cues = Cues()
    """The words by which a review names a gap."""

    @model_validator(mode="after")
    def _known(self) -> SkillsSpec:
        for name, skill in self.skills.items():
            for other in skill.helped_by:
                if other == name:
                    raise ValueError(f"skills.{name}.helped_by names itself; leave it out")
                if other not in self.skills:
                    raise ValueError(f"skills.{name}.helped_by names {other!r}, which is no skill; use the id of one")
        return self


class Examples(Spec):
    """Example texts about one subject, in Chinese and English."""

    lacking: Annotated[tuple[str, ...], Field(min_length=1)]
    """Texts of reviewers that describe a lack of it, in a few words or a sentence."""
    teaching: Annotated[tuple[str, ...], Field(min_length=1)]
    """Texts of courses that teach it: a title and what is learnt."""


class SkillExamplesSpec(Spec):
    """``models/<name>.toml`` of kind ``skill_examples``: example tags and courses for each skill."""

    kind: Literal["skill_examples"] = "skill_examples"
    """Marks the file as a list of examples."""
    zh: str
    """The title in Chinese."""
    en: str
    """The title in English."""
    examples: Mapping[SkillId, Examples]
    """Skill id of ``models/skills.toml`` -> examples."""
    unrelated: Examples
    """Texts about no skill: hobbies, trades and licences, and words of a skill in another sense."""
