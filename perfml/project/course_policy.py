"""What the files of course matching may say: the limits of a suggestion, and the skills that tags and courses are about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from perfml.project.policy import Policy
from perfml.project.spec import Days, Spec

Strength = Annotated[float, Field(gt=0, le=1)]
LanguageCode = Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]
SkillId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class ClosureRules(Spec):
    """When observed gap closure may move a course up or down."""

    fewest_people: Annotated[int, Field(ge=2)] = 20
    """As many people who completed the course, and as many who did not, before a figure is shown at all."""


class CoursePolicy(Policy):
    """``models/<name>.toml`` of kind ``course_match``: within which limits courses are suggested.

    How much text, skills, history and closure count is learnt from the data and stands nowhere here.
    """

    kind: Literal["course_match"] = "course_match"
    """Says that the file is this policy."""
    zh: str
    """The title in Chinese."""
    en: str
    """The title in English."""
    languages: Annotated[tuple[LanguageCode, ...], Field(min_length=1)] = ("zh", "en")
    """The languages that people can read."""
    languages_by_location: Mapping[str, Annotated[tuple[LanguageCode, ...], Field(min_length=1)]] = {}
    """Where the location of someone's position says otherwise."""
    course_level_by_position_level: Mapping[int, Annotated[int, Field(ge=1, le=5)]] = {}
    """The course level that a position level stands for; a level in between takes the next lower one that is named.
    Empty: levels are not looked at."""
    steps_above: Annotated[int, Field(ge=0, le=4)] = 1
    """A course may be at most so many levels above the person's."""
    steps_below: Annotated[int, Field(ge=0, le=4)] = 1
    """A course further below teaches nothing new. A prerequisite may be as low as it likes."""
    hours_per_quarter: Annotated[float, Field(gt=0)] = 16
    """Hours of learning for which there is time in a quarter, less those of courses under way."""
    most_courses: Annotated[int, Field(ge=1, le=20)] = 3
    """Courses for one person at a time, prerequisites included."""
    minimum_score: Annotated[float, Field(ge=0, le=1)] = 0
    """A course that ranks below is not suggested, on the recommender's scale of 0 to 1."""
    open_days: Days = 548
    """A gap tag that no later review has looked at is acted on for so long after it was noted."""
    running_days: Days = 182
    """An enrolment that was never completed takes a seat, and the person's hours, for so long."""
    use_proposed: bool = True
    """Suggest courses for gaps that are only proposed from the words of a review, too. They say that a person must confirm
    the gap first."""
    use_embedding: bool = False
    """Compare meanings too, with the multilingual embedding of ``perfml[embeddings]``, where it is installed."""
    closure: ClosureRules = ClosureRules()
    """When observed gap closure counts."""

    def course_level(self, position_level: int | None) -> int | None:
        """The course level of a position level; None where it is not known or not named.

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
    """One skill: how it is called, by which words it is recognised, and which skills help it."""

    zh: str
    """The name of the skill in Chinese."""
    en: str
    """The name of the skill in English."""
    aliases: tuple[str, ...] = ()
    """Words that mean this skill, in any language, beside its names and its id."""
    hints: tuple[str, ...] = ()
    """Words that only suggest it; they count half."""
    helped_by: Mapping[str, Strength] = {}
    """Who learns one of these gets better at this skill too, and how much of it: one step, never followed further."""
    proposed: bool = True
    """Whether a review's words may propose it as a gap. No for what is nobody's to guess."""


class Cues(Spec):
    """The words by which a sentence of a review names a gap."""

    wants: tuple[str, ...] = ()
    """A shortfall of what *follows*: 缺乏……, needs to …"""
    lacks: tuple[str, ...] = ()
    """A shortfall of what came *before*: ……不足, … was unclear."""
    praises: tuple[str, ...] = ()
    """No shortfall, though a cue may stand within: 不需要提升, has improved."""
    turns: tuple[str, ...] = ()
    """Where a sentence turns round, so that praise before says nothing of what follows: 但是, however."""


class SkillsSpec(Spec):
    """``models/<name>.toml`` of kind ``skills``: a small taxonomy in Chinese and English."""

    kind: Literal["skills"] = "skills"
    """Says that the file is a taxonomy of skills."""
    zh: str
    """The title in Chinese."""
    en: str
    """The title in English."""
    skills: Mapping[SkillId, Skill]
    """Skill id -> skill."""
    no_skill: tuple[str, ...] = ()
    """Phrases in which the name of a skill means something else: a merge conflict is none between people."""
    cues: Cues = Cues()
    """Words by which a review names a gap."""

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
    """How something is spoken of, in Chinese and English."""

    lacking: Annotated[tuple[str, ...], Field(min_length=1)]
    """By reviewers who say that it is wanting, in a few words or a sentence."""
    teaching: Annotated[tuple[str, ...], Field(min_length=1)]
    """By courses that teach it: a title and what is learnt."""


class SkillExamplesSpec(Spec):
    """``models/<name>.toml`` of kind ``skill_examples``: what tags and courses about each skill are like."""

    kind: Literal["skill_examples"] = "skill_examples"
    """Says that the file is a list of examples."""
    zh: str
    """The title in Chinese."""
    en: str
    """The title in English."""
    examples: Mapping[SkillId, Examples]
    """Skill id of ``models/skills.toml`` -> examples."""
    unrelated: Examples
    """Of what is about no skill: hobbies, trades and licences, and words of a skill in another sense."""
