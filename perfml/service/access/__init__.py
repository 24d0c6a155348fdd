"""Who is let in, to which address, about whom: every request is admitted before anything else looks at it."""
