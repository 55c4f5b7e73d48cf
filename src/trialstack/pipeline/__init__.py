"""The main job: from an experiment to a registered model."""

from trialstack.pipeline.main import tune

__all__ = ["tune"]
