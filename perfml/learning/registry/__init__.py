"""Models on disk and in MLflow, and which version is promoted."""
