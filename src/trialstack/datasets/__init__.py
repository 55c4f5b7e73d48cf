"""Data sets: read, checked, split, fingerprinted."""
