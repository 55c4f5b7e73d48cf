"""The experiment file: TOML -> a validated, frozen `Experiment`."""

from trialstack.experiment.experiment import Experiment
from trialstack.experiment.hypermodel import CustomSettings, MLPSettings
from trialstack.experiment.reading import parse_setting
from trialstack.experiment.sections import BaselineSettings, DatasetSettings, SearchSettings
from trialstack.experiment.spaces import NumberRange

__all__ = [
    "BaselineSettings",
    "CustomSettings",
    "DatasetSettings",
    "Experiment",
    "MLPSettings",
    "NumberRange",
    "SearchSettings",
    "parse_setting",
]
