"""Recommenders: courses ranked for gap tags, by words, skills and meaning, and for employees, by their history."""
