"""The main job: from an experiment to a registered model."""

from trialstack.pipeline.main import tune
from trialstack.pipeline.reopen import load_search

__all__ = ["load_search", "tune"]
