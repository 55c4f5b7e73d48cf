"""Paired tests of models by what their runs hold; no model is loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trialstack.errors import DataError
from trialstack.evaluation.comparison import AucComparison, compare_auc
from trialstack.evaluation.mcnemar import McNemar, compare_accuracy
from trialstack.evaluation.predictions import FILE, Predictions, read_predictions
from trialstack.report.runs import RunStore, StoredRun
from trialstack.tracking.tags import TEST_DIGEST


@dataclass(frozen=True)
class PairedTest:
    """Two models on the same test rows.

    Attributes:
        new: Run of the one model.
        old: Run of the other, which it is measured against.
        auc: Difference in AUC, new minus old.
        accuracy: Rows that only one of them gets right.
        new_name: What the model is called here.
        old_name: What the other is called here.
    """

    new: StoredRun
    old: StoredRun
    auc: AucComparison
    accuracy: McNemar
    new_name: str
    old_name: str

    @property
    def sentence(self) -> str:
        """The difference in AUC in words."""
        return self.auc.sentence(self.new_name, self.old_name)

    @property
    def sentence_on_accuracy(self) -> str:
        """The rows that only one of them gets right, in words."""
        return self.accuracy.sentence(self.new_name, self.old_name)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "new": self.new.run_id,
            "old": self.old.run_id,
            **self.auc.as_dict(),
            **self.accuracy.as_dict(),
            "sentence": self.sentence,
        }


@dataclass(frozen=True)
class Untested:
    """Two models that cannot be compared by a paired test.

    Attributes:
        new: Run of the one model.
        old: Run of the other.
        reason: Why not, in a few words.
    """

    new: StoredRun
    old: StoredRun
    reason: str

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"new": self.new.run_id, "old": self.old.run_id, "reason": self.reason}


def against_first(
    runs: RunStore, models: Sequence[StoredRun], names: Mapping[str, str]
) -> tuple[list[PairedTest], list[Untested]]:
    """Tests every model but the first against the first.

    Args:
        runs: The store, which holds their predictions.
        models: Runs of models that were scored on test rows.
        names: Run id -> what the model is called in sentences.
    """
    if len(models) < 2:
        return [], []
    old, *others = models
    said_old = read_test_predictions(runs, old)
    tested: list[PairedTest] = []
    untested: list[Untested] = []
    for new in others:
        found = _compared(runs, new, old, said_old)
        if isinstance(found, str):
            untested.append(Untested(new, old, found))
        else:
            tested.append(PairedTest(new, old, *found, names[new.run_id], names[old.run_id]))
    return tested, untested


def read_test_predictions(runs: RunStore, run: StoredRun) -> Predictions | str:
    """What a run's model said on its test rows, sorted by row; or why that is not known.

    Args:
        runs: The store.
        run: Of a model.
    """
    if TEST_DIGEST not in run.tags:
        return f"{run.name!r} holds no test predictions"
    content = runs.read_file(run, FILE)
    if content is None:
        return f"{FILE} of {run.name!r} cannot be read"
    try:
        predictions = read_predictions(content)
    except DataError as error:
        return f"{run.name!r}: {error}"
    if predictions.digest != run.tags[TEST_DIGEST]:
        return f"{FILE} of {run.name!r} is not of the rows that its run names"
    return predictions.in_order()


def _compared(
    runs: RunStore, new: StoredRun, old: StoredRun, said_old: Predictions | str
) -> tuple[AucComparison, McNemar] | str:
    digests = {run.tags.get(TEST_DIGEST) for run in (new, old)}
    if None not in digests and len(digests) > 1:
        return "other test rows"
    said_new = read_test_predictions(runs, new)
    for said in (said_new, said_old):
        if isinstance(said, str):
            return said
    assert isinstance(said_new, Predictions)
    assert isinstance(said_old, Predictions)
    y, p_new, p_old = said_new.y, said_new.probabilities, said_old.probabilities
    try:
        return compare_auc(y, p_new, p_old), compare_accuracy(y, p_new, p_old)
    except DataError as error:
        return str(error)
