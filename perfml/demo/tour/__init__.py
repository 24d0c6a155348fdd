"""The tour through perfml on a simulated company, and accounts to look at it as."""
