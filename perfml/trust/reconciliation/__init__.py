"""Whether two systems that report one metric agree, and what explains it where they do not."""
