"""From evidence to a model that is never better than it can prove."""
