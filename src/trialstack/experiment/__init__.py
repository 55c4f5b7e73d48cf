"""The experiment file: TOML -> a validated, frozen `Experiment` or `Ladder`."""

from trialstack.experiment.dataset import DatasetSettings
from trialstack.experiment.experiment import Experiment
from trialstack.experiment.file import ExperimentFile
from trialstack.experiment.hypermodel import CustomSettings, MLPSettings
from trialstack.experiment.ladder import Ladder
from trialstack.experiment.models import ModelSettings
from trialstack.experiment.reading import parse_setting
from trialstack.experiment.sections import BaselineSettings, FinalSettings, SearchSettings
from trialstack.experiment.spaces import NumberRange

__all__ = [
    "BaselineSettings",
    "CustomSettings",
    "DatasetSettings",
    "Experiment",
    "ExperimentFile",
    "FinalSettings",
    "Ladder",
    "MLPSettings",
    "ModelSettings",
    "NumberRange",
    "SearchSettings",
    "parse_setting",
]
