"""Proves that a logged model works for somebody else: in a process that never saw it.

The process is started early and imports TensorFlow and MLflow while the search goes on, so that
the proof itself takes a fraction of a second.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialstack.errors import ModelRefusedError

CHILD = Path(__file__).with_name("fresh_child.py")

QUIET = {
    # A GPU belongs to the training process: a second one on it may find no memory.
    "CUDA_VISIBLE_DEVICES": "-1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "PYTHONDONTWRITEBYTECODE": "1",  # the store's copy of the model stays as it was logged
    "PYTHONUTF8": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}

SECONDS_FOR_AN_ANSWER = 120.0
ROWS_A_SECOND = 1000.0
"""Rows for which an answer may take a second longer; a machine that is not busy scores 20,000."""

SECONDS_TO_END = 5.0
"""For how long a process that has closed its pipe is waited for, to tell its exit status."""


class FreshProcess:
    """A Python process without trialstack that loads models and scores tables.

    Example:
        A context manager, or `close` at the end::

            with FreshProcess.start() as process:
                ...                                        # it imports in the meantime
                scores = process.predict("models:/m-...", tracking_uri, frame)
    """

    def __init__(self, process: subprocess.Popen[str], folder: tempfile.TemporaryDirectory[str]):
        self._process = process
        self._folder = folder
        self._answers: queue.Queue[str | None] = queue.Queue()
        self._ready = False
        self._requests = 0
        threading.Thread(target=self._read, name="fresh-process", daemon=True).start()

    @classmethod
    def start(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Starts the process and returns at once.

        Args:
            environment: Variables beside this process' own, such as credentials of the store.
        """
        folder = tempfile.TemporaryDirectory(prefix="trialstack-fresh-")
        with Path(folder.name, "log").open("wb") as log:
            process = subprocess.Popen(
                # -P: the child's own folder is not a place to import from
                [sys.executable, "-P", str(CHILD), folder.name],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=folder.name,
                env={**os.environ, **QUIET, **(environment or {})},
                encoding="utf-8",
                start_new_session=True,  # Ctrl-C is for the parent, which then closes this one
            )
        return cls(process, folder)

    def predict(
        self, model_uri: str, tracking_uri: str, frame: Any, timeout: float | None = None
    ) -> Any:
        """Loads a model by its URI and scores a table.

        Args:
            model_uri: Anything `mlflow.pyfunc.load_model` takes.
            tracking_uri: Store and registry.
            frame: DataFrame of raw rows; its index is not sent.
            timeout: Seconds, the rest of the process' start included; by default two minutes
                and a second more for every 1,000 rows.

        Returns:
            The model's answer, a DataFrame with one row a row.

        Raises:
            ModelRefusedError: The model does not load or does not score, the process died, or no
                answer came in time. After the last two the process is gone.
        """
        import pandas as pd

        if timeout is None:
            timeout = SECONDS_FOR_AN_ANSWER + len(frame) / ROWS_A_SECOND
        deadline = time.monotonic() + timeout
        self._requests += 1
        rows = Path(self._folder.name, f"rows-{self._requests}.parquet")
        scores = Path(self._folder.name, f"scores-{self._requests}.parquet")
        frame.reset_index(drop=True).to_parquet(rows)
        request = {
            "model_uri": model_uri,
            "tracking_uri": tracking_uri,
            "rows": str(rows),
            "scores": str(scores),
        }
        if not self._ready:
            self._answer(deadline, timeout)
            self._ready = True
        self._send(request)
        answer = self._answer(deadline, timeout)
        if "error" in answer:
            raise ModelRefusedError(f"{model_uri} in a fresh process: {answer['error']}")
        try:
            return pd.read_parquet(scores)
        finally:
            rows.unlink()
            scores.unlink()

    def close(self) -> None:
        """Ends the process at once: it has nothing to save, and may still be importing."""
        self._process.kill()
        self._process.wait()
        with contextlib.suppress(OSError):
            _pipe(self._process.stdin).close()
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _read(self) -> None:
        """Moves answers from the pipe to the queue; None marks the pipe's end."""
        with _pipe(self._process.stdout) as pipe:
            for line in pipe:
                self._answers.put(line)
        self._answers.put(None)

    def _send(self, request: Mapping[str, Any]) -> None:
        pipe = _pipe(self._process.stdin)
        try:
            pipe.write(json.dumps(request) + "\n")
            pipe.flush()
        except (OSError, ValueError):  # broken pipe, or closed by `close`
            raise ModelRefusedError(self._obituary()) from None

    def _answer(self, deadline: float, timeout: float) -> dict[str, Any]:
        try:
            line = self._answers.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            self._process.kill()
            raise ModelRefusedError(
                f"the fresh process that checks the model gave no answer within {timeout:g} s"
            ) from None
        if line is None:
            self._answers.put(None)  # it stays the last word
            raise ModelRefusedError(self._obituary())
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _obituary(self) -> str:
        """One line on how the process ended, with the last line it left in its log."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(SECONDS_TO_END)
        log = Path(self._folder.name, "log")
        lines = log.read_text("utf-8", errors="replace").split("\n") if log.exists() else []
        last = next((line.strip() for line in reversed(lines) if line.strip()), "it left no word")
        return (
            "the fresh process that checks the model ended "
            f"(exit status {self._process.returncode}): {last}"
        )


def verify(
    process: FreshProcess,
    model_uri: str,
    tracking_uri: str,
    frame: Any,
    expected_probabilities: ArrayLike,
    *,
    tolerance: float = 1e-6,
    timeout: float | None = None,
) -> float:
    """Makes sure that a model, loaded elsewhere, gives the probabilities its score was made from.

    Args:
        process: Where it is loaded.
        model_uri: Usually `LoggedModelRef.uri`.
        tracking_uri: Store that holds it.
        frame: DataFrame of raw rows, usually the test rows.
        expected_probabilities: Shape `(rows, classes)`, or `(rows,)` or `(rows, 1)` for the second
            of two classes.
        tolerance: Largest difference allowed. Leave room where training ran on a GPU: the fresh
            process computes on the CPU.
        timeout: See `FreshProcess.predict`.

    Returns:
        The largest difference found (0 for an empty frame).

    Raises:
        ModelRefusedError: It does not load, does not score, or gives something else.
    """
    scores = process.predict(model_uri, tracking_uri, frame, timeout)
    found = probabilities_of(scores)
    expected = np.asarray(expected_probabilities, dtype="float64")
    if expected.ndim == 1:
        expected = expected[:, np.newaxis]
    if expected.shape[1] == 1:
        expected = np.hstack([1.0 - expected, expected])
    if found.shape != expected.shape:
        raise ModelRefusedError(
            f"{model_uri} in a fresh process: gives probabilities of shape {found.shape}, "
            f"those logged have {expected.shape}"
        )
    difference = float(np.abs(found - expected).max(initial=0.0))
    if not difference <= tolerance:  # NaN is refused too
        raise ModelRefusedError(
            f"{model_uri} in a fresh process: its probabilities differ by up to {difference:.3g} "
            f"from those that were logged, {tolerance:g} is allowed"
        )
    return difference


def probabilities_of(scores: Any) -> NDArray[np.float64]:
    """The probability columns of a scorer's answer, shape `(rows, classes)`."""
    columns = [column for column in scores.columns if column.startswith("probability_")]
    return np.asarray(scores[columns], dtype="float64")


def _pipe(pipe: IO[str] | None) -> IO[str]:
    """A pipe that was asked for, hence is there."""
    if pipe is None:
        raise RuntimeError("the process was started without pipes")
    return pipe
