"""Which figures of groups may be shown, so that nobody's own value can be worked out from what is."""
