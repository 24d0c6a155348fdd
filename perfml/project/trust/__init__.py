"""The definitions of whether to believe the data: what metrics mean, which deliveries are due, which notices are given, what is
forbidden."""
