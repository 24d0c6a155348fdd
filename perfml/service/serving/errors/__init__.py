"""Whatever goes wrong with a request, as a problem in the one shape."""
