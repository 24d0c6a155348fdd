"""The definitions of whether to believe the data: which deliveries are due, which notices are given, what is forbidden."""
