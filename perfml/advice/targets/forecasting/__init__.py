"""Forecasts of how goals will end, with intervals: history, season, signals, and each owner's pace."""
