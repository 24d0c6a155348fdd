"""Trees walked path by path, many rows at once: what explanations against a group and of pairs have in common."""
