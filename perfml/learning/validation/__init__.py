"""Back-tests, metrics, lists, stability, drift and uplift: how far a model is to be believed."""
