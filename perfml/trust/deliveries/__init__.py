"""Deliveries: what was due from each feed and what came, who is told, and packets that are applied once."""
