"""Experiment files of either kind."""

from __future__ import annotations

from pathlib import Path

from trialstack.experiment.experiment import Experiment
from trialstack.experiment.ladder import Ladder
from trialstack.experiment.problems import one_line
from trialstack.experiment.reading import read_toml

LADDER = Ladder.model_fields.keys() - Experiment.model_fields.keys()
SEARCH = Experiment.model_fields.keys() - Ladder.model_fields.keys()
"""Keys that only files of the one kind or the other have."""


def load_experiment(path: str | Path) -> Experiment | Ladder:
    """Reads and checks an experiment file, whatever command it is for.

    Raises:
        ExperimentError: The file cannot be read, is not TOML, or a key is wrong.
        NotBuiltError: It asks for something that this version does not have.
    """
    path = Path(path)
    tables = read_toml(path)
    # A ladder without any model is still one, and is told so.
    of_ladder = "model" in tables or (not SEARCH & tables.keys() and LADDER & tables.keys())
    kind = Ladder if of_ladder else Experiment
    return kind.from_dict(tables, one_line(str(path)), path.absolute().parent)
