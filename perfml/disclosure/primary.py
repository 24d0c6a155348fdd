"""Rules on one figure: how many people are behind it, and how much of it is one person's (Hundepool et al. 2012, chapter 4)."""

from __future__ import annotations

from typing import Literal

import numpy as np

from perfml.arrays import Floats
from perfml.project.spec import DisclosureRules

Suppression = Literal["few people", "dominated", "p percent", "complementary"]
"""Why a figure is withheld; *complementary*: because a figure that breaks a rule could be worked out from it."""


def primary(contributions: Floats, rules: DisclosureRules) -> Suppression | None:
    """Why the sum of ``contributions``, (people,) and not negative, must be withheld; None where it may be shown.

    - *few people*: fewer than ``min_others`` beside any one of those who contribute; a sum of nobody's is one too, since it
      tells everyone's value.
    - *dominated*: the ``dominant_people`` largest make up more than ``dominant_share`` of the sum.
    - *p percent*: the rest beside the two largest is less than ``p_percent`` of the largest, so that the second can work out
      the first as closely.

    >>> primary(np.ones(5), DisclosureRules()), primary(np.ones(6), DisclosureRules())
    ('few people', None)
    >>> primary(np.array([900.0, 50, 20, 10, 10, 10]), DisclosureRules())
    'dominated'
    """
    largest = np.sort(contributions[contributions > 0])[::-1]
    if len(largest) <= rules.min_others:
        return "few people"
    total = float(largest.sum())
    if float(largest[: rules.dominant_people].sum()) > rules.dominant_share * total:
        return "dominated"
    if total - float(largest[:2].sum()) < rules.p_percent / 100 * float(largest[0]):
        return "p percent"
    return None
