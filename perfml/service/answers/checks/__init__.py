"""Whether a model and the service are fit for use: fairness, drift, readiness."""
