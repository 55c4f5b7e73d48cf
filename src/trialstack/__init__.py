"""Keras Tuner searches in which every trial is a proper MLflow run."""

__version__ = "0.1.0"
