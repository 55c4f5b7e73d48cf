"""Tuners: which trials are asked, and what becomes of them. One file an algorithm."""
