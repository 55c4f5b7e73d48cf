"""The process that trains trials of an experiment apart from their search, which starts it.

    python -m trialstack.pipeline.apart_child FOLDER

It reads the experiment out of the journal in the search's folder, and the data again from where
they are. See `trialstack.tuners.apart_worker` for what it is asked and answers.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trialstack.errors import InputError
from trialstack.experiment import Experiment
from trialstack.quiet import load_tensorflow
from trialstack.searches import place_of
from trialstack.tuners.journal import FILE_NAME, Journal

if TYPE_CHECKING:
    from trialstack.tuners.base import TrackedTuner

COMMAND = (sys.executable, "-P", "-m", "trialstack.pipeline.apart_child")
"""What starts it; the folder follows."""


def prepare(home: Path) -> tuple[TrackedTuner, Sequence[Any], Mapping[str, Any]]:
    """What the trials of a search are trained with, by its journal.

    Args:
        home: The search's folder.

    Returns:
        A tuner that knows its trials, and the arguments of `search`.

    Raises:
        InputError: Data or hypermodel cannot be read again, or are not the same any more.
    """
    from trialstack.pipeline.data import Data
    from trialstack.pipeline.hypermodel import hypermodel_for
    from trialstack.pipeline.search import quiet_tuner, search_arguments

    journal = Journal(home / FILE_NAME)
    header = journal.header
    experiment = Experiment.from_dict(header["experiment"], str(home), place_of(journal).folder)
    data = Data.of(experiment)
    if data.digest != header["identity"]["data"]:
        raise InputError(
            f"{experiment.dataset.source}: its rows have changed since the search began"
        )
    hypermodel = hypermodel_for(experiment, data, data.fit)
    tuner = quiet_tuner(experiment, hypermodel, journal, None, experiment.search.max_trials)
    return tuner, *search_arguments(experiment, data, hypermodel)


def main() -> None:
    """Answers requests until standard input ends."""
    home = Path(sys.argv[1])
    load_tensorflow()

    from trialstack.tuners.apart_worker import answer_requests

    answer_requests(lambda: prepare(home), home)


if __name__ == "__main__":
    main()
