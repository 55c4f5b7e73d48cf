"""What a search stands on: its data, its time, its environment, and how to do it again."""

from __future__ import annotations

import json
import shlex
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from trialstack.durations import shown_duration
from trialstack.report.runs import RunStore, StoredRun
from trialstack.report.search import StoredSearch
from trialstack.tracking.tags import (
    DATA_DIGEST,
    SEARCH_SECONDS,
    STACKED,
    TEST_DIGEST,
    TEST_ROWS,
    VERSIONS,
)

WARNING = "trialstack.warning."
"""Tags of a search: what its data were warned of."""
EXPERIMENT_FILE = "experiment.toml"
"""Artifact of a search: the experiment, complete."""

OWN_COMMANDS = {"trialstack", "__main__.py"}
"""Programs that say nothing of their own about a search."""

Facts = list[tuple[str, str]]
"""Name and value, in the order of the page."""


@dataclass(frozen=True)
class Reproduction:
    """How to do a search again.

    Attributes:
        commands: For a shell.
        experiment_file: The file that they use; empty if the search did not log one.
        python: Loads the model; empty if none is registered.
    """

    commands: tuple[str, ...]
    experiment_file: str
    python: str


def when(seconds: float) -> str:
    """A point in time, where the page was made.

    Args:
        seconds: Since the epoch.
    """
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def data_facts(runs: RunStore, search: StoredSearch) -> Facts:
    """The rows: how many, of which columns, and what identifies them."""
    run = search.run
    dataset = _dataset(runs, run)
    profile = _json(dataset.profile if dataset else "")
    source = _json(dataset.source if dataset else "")
    model = search.final or search.baseline
    params = run.params
    facts = [
        ("data set", run.data[0] if run.data else params.get("dataset.source", "")),
        ("source", str(source.get("uri", ""))),
        ("rows", str(profile.get("num_rows", ""))),
        ("features", str(profile.get("num_features", ""))),
        ("target", str(profile.get("target", ""))),
        ("test rows", model.tags.get(TEST_ROWS, "") if model else ""),
        ("split", _split(params)),
        ("SHA-256 of all rows", run.tags.get(DATA_DIGEST) or (run.data[1] if run.data else "")),
        ("SHA-256 of the test rows", run.tags.get(TEST_DIGEST, "")),
    ]
    return [(name, value) for name, value in facts if value]


def data_warnings(run: StoredRun) -> list[str]:
    """What the data of a search were warned of, in the order of their checks."""
    found = [(name, text) for name, text in run.tags.items() if name.startswith(WARNING)]
    return [text for _, text in sorted(found, key=lambda one: (len(one[0]), one[0]))]


def time_facts(search: StoredSearch) -> Facts:
    """Where the time went."""
    epochs = sum(trial.epochs_run or 0 for trial in search.trials)
    seconds = search_seconds(search)
    ends = Counter(t.stopped_by for t in search.trials if t.score is not None and t.stopped_by)
    early = sum(count for name, count in ends.items() if name != "epochs")
    stacked = search.run.tags.get(STACKED, "")
    rate = f"{epochs / seconds:.0f} a second" if seconds and epochs else ""
    facts = [
        ("all trials together", shown_duration(seconds) if seconds is not None else ""),
        ("trials trained in stacks", f"{stacked} of {len(search.trials)}" if stacked else ""),
        ("epochs", f"{epochs} ({rate})" if rate else str(epochs or "")),
        ("trials that stopped early", str(early) if ends else ""),
        ("baseline", _seconds(search.baseline)),
        ("final fit and evaluation", _seconds(search.final)),
        ("from start to end", _seconds(search.run)),
        ("started", when(search.run.started)),
        ("ended", when(search.run.ended) if search.run.ended else ""),
    ]
    return [(name, value) for name, value in facts if value]


def search_seconds(search: StoredSearch) -> float | None:
    """How long the trials took; None while one runs."""
    try:
        return float(search.run.tags.get(SEARCH_SECONDS, ""))
    except ValueError:
        return search.seconds


def environment_facts(run: StoredRun) -> Facts:
    """The programs, who ran them, and the script that did, if it was not the command line."""
    versions = _json(run.tags.get(VERSIONS, ""))
    facts = [(str(name), str(version)) for name, version in versions.items()]
    script = PurePath(run.tags.get("mlflow.source.name", "")).name
    named = {
        "user": run.tags.get("mlflow.user"),
        "script": script if script not in OWN_COMMANDS else "",
        "git commit": run.tags.get("mlflow.source.git.commit"),
    }
    return [*facts, *((name, value) for name, value in named.items() if value)]


def setting_facts(run: StoredRun) -> Facts:
    """All settings, as MLflow has them."""
    return sorted(run.params.items())


def reproduction(runs: RunStore, search: StoredSearch) -> Reproduction:
    """The commands that make the search, and this page, again."""
    run = search.run
    content = runs.read_file(run, EXPERIMENT_FILE)
    text = content.decode("utf-8", errors="replace") if content else ""
    quoted = shlex.quote(f"{run.experiment}@{run.run_id[:8]}")
    commands = [f"export MLFLOW_TRACKING_URI={shlex.quote(runs.uri)}"]
    if text:
        commands += [
            f"mlflow artifacts download --run-id {run.run_id} "
            f"--artifact-path {EXPERIMENT_FILE} --dst-path .",
            f"trialstack tune {EXPERIMENT_FILE} --fresh",
        ]
    commands += [f"trialstack compare {quoted}", f"trialstack report {quoted}"]
    python = ""
    if search.model is not None:
        python = "\n".join(
            [
                "import mlflow",
                f"mlflow.set_tracking_uri({_literal(runs.uri)})",
                f"model = mlflow.pyfunc.load_model({_literal(search.model.uri)})",
                "model.predict(frame)  # a DataFrame with the original columns",
            ]
        )
    return Reproduction(tuple(commands), text, python)


def _literal(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _dataset(runs: RunStore, run: StoredRun) -> Any:
    inputs = runs.client.get_run(run.run_id).inputs
    return inputs.dataset_inputs[0].dataset if inputs and inputs.dataset_inputs else None


def _json(text: str | None) -> Mapping[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _split(params: Mapping[str, str]) -> str:
    given = {name: params.get(f"dataset.{name}", "") for name in ("test_size", "split", "seed")}
    test = f"{given['test_size']} for testing" if given["test_size"] else ""
    validation = params.get("dataset.validation_size", "")
    of_rest = f"{validation} of the rest for validation" if validation else ""
    seed = f"seed {given['seed']}" if given["seed"] else ""
    return ", ".join(part for part in (given["split"], test, of_rest, seed) if part)


def _seconds(run: StoredRun | None) -> str:
    return shown_duration(run.seconds) if run is not None and run.seconds is not None else ""
