"""How good a classifier is on rows it never saw, how surely, and whether another is better."""
