"""How far people are from a declared line, how likely they cross it by its day, and what that takes a week."""
