"""Hypermodels: what Keras model a set of hyperparameters means."""
