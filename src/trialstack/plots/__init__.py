"""Plots: each has a function that computes plain data and one that draws it."""
