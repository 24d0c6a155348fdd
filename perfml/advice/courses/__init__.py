"""Courses that close a gap: found by words, skills and history, ranked, limited by rules, each with its evidence."""

from perfml.advice.courses.collaborative import FactorRecommender, NeighbourRecommender, PopularRecommender
from perfml.advice.courses.fusion import CourseRecommender
from perfml.advice.courses.recommender import Recommender
from perfml.advice.courses.text import TextRecommender

__all__ = [
    "CourseRecommender",
    "FactorRecommender",
    "NeighbourRecommender",
    "PopularRecommender",
    "Recommender",
    "TextRecommender",
]
