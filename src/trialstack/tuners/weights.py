"""Weights of the best trials, one file a trial, written once."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trialstack.trials import Objective, Weights
from trialstack.tuners.journal import write_atomically

KEPT = 10
"""How many trials' weights a search keeps."""


def put_weights(model: Any, weights: Weights) -> None:
    """`model.set_weights`, and what follows from it.

    Normalization computes with copies of its weights, which only loading from a file renews.
    """
    model.set_weights(weights)
    for layer in model._flatten_layers():
        finalize = getattr(layer, "finalize_state", None)
        if callable(finalize):
            finalize()


@dataclass(frozen=True)
class StoredWeights:
    """What a file holds: arrays in `get_weights()` order and Keras' build configuration."""

    arrays: Weights
    build_config: Mapping[str, Any] | None


def write_weights(path: Path, weights: Weights, build_config: Mapping[str, Any] | None) -> None:
    """Puts a model's weights into one file without pickle, whole or not at all.

    Raises:
        OSError: The disk is full or may not be written.
    """
    buffer = io.BytesIO()
    arrays: dict[str, NDArray[Any]] = {
        f"array_{index:04d}": array for index, array in enumerate(weights)
    }
    arrays["build_config"] = np.array(json.dumps(build_config))
    np.savez(buffer, **arrays)  # type: ignore[arg-type] # its other parameter is a bool
    write_atomically(path, buffer.getvalue())


def read_weights(path: Path) -> StoredWeights:
    """What `write_weights` has written."""
    with np.load(path, allow_pickle=False) as file:
        names = sorted(name for name in file.files if name.startswith("array_"))
        config = json.loads(str(file["build_config"]))
        return StoredWeights([file[name] for name in names], config)


class BestWeights:
    """Keeps the weights of the best trials of a search in a folder.

    Args:
        folder: Where the files are; made when the first is written.
        objective: What "best" means.
        kept: How many trials.
    """

    def __init__(self, folder: Path, objective: Objective, kept: int = KEPT) -> None:
        self._folder = folder
        self._objective = objective
        self._kept = kept
        self._scores: dict[str, float] = {}  # trial_id -> score, of the trials with a file

    def know(self, trial_id: str, score: float) -> None:
        """Takes over a file of an earlier process."""
        if self.path(trial_id).exists():
            self._scores[trial_id] = score

    def offer(
        self, trial_id: str, score: float, weights: Weights, build_config: Mapping[str, Any] | None
    ) -> bool:
        """Writes the weights if the trial is among the best so far.

        Returns:
            Whether they were written. The file that falls out is removed by `forget_others`, so
            that a crash in between leaves one file too many, never one too few.
        """
        better = sum(not self._objective.better(score, other) for other in self._scores.values())
        if better >= self._kept:
            return False
        write_weights(self.path(trial_id), weights, build_config)
        self._scores[trial_id] = score
        return True

    def forget_others(self) -> None:
        """Removes the files of trials that are not among the best any more."""
        best = sorted(
            self._scores, key=self._scores.__getitem__, reverse=self._objective.direction == "max"
        )
        for trial_id in best[self._kept :]:
            del self._scores[trial_id]
            self.path(trial_id).unlink(missing_ok=True)

    def load(self, trial_id: str) -> StoredWeights:
        """Reads the weights of a trial.

        Raises:
            KeyError: The trial is not among the best, so its weights were not kept.
        """
        path = self.path(trial_id)
        if not path.exists():
            raise KeyError(
                f"no weights of trial {trial_id!r}: those of the best {self._kept} trials are "
                "kept; train it again with its hyperparameters and seed"
            )
        return read_weights(path)

    def path(self, trial_id: str) -> Path:
        """The file of a trial's weights, there or not."""
        return self._folder / f"{trial_id}.npz"
