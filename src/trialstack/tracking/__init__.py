"""Writes what a search does into MLflow, beside the search and never in its way."""
