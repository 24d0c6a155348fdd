"""Prediction: scores with reasons, curves, drift, replay, and the records of each run."""
