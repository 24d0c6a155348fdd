"""Courses that close a gap: gap tags read from reviews, courses ranked for them, limited by rules, each with its evidence."""

from perfml.advice.courses.recommenders.collaborative import FactorRecommender, NeighbourRecommender, PopularRecommender
from perfml.advice.courses.recommenders.fusion import CourseRecommender
from perfml.advice.courses.recommenders.recommender import Recommender
from perfml.advice.courses.recommenders.text import TextRecommender

__all__ = [
    "CourseRecommender",
    "FactorRecommender",
    "NeighbourRecommender",
    "PopularRecommender",
    "Recommender",
    "TextRecommender",
]
