"""A real store made by trialstack's commands, and the UI that `trialstack ui` starts on it."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
RINGS, CANCER, LADDER = "circles-search", "breast-cancer", "circles"
COMMANDS = {
    RINGS: ["tune", "circles_search.toml", "--trials", "6", "--epochs", "10"],
    # Twelve trials, so that not all are among the ten best; two of them diverge.
    CANCER: [
        *("tune", "breast_cancer.toml", "--trials", "12", "--epochs", "4"),
        *("--set", "hypermodel.learning_rate=[0.0003, 0.001, 0.003, 0.01, 1e30]"),
    ],
    LADDER: [
        *("train", "circles.toml", "--only", "model_05", "--only", "model_08"),
        *("--set", "seeds=2"),
    ],
}
"""Experiment -> the command that makes it, with the name of its file."""

PRINTED_BASE = "http://127.0.0.1:5000"


@dataclass
class Shown:
    """A store and its UI.

    Attributes:
        uri: Of the store.
        links: Experiment -> name of a page -> its address, as the commands have printed it.
        base: Address of the UI.
        said: What `trialstack ui` has printed: the address of its first page, and of others.
    """

    uri: str
    links: dict[str, dict[str, str]]
    base: str = ""
    said: list[str] = field(default_factory=list)

    @cached_property
    def client(self) -> Any:
        """Tells what should be on the pages."""
        from trialstack.tracking.store import open_client, resolve_store

        return open_client(resolve_store(self.uri))

    def link(self, experiment: str, page: str) -> str:
        """A printed link, to where the UI runs."""
        printed = self.links[experiment][page]
        assert printed.startswith(f"{PRINTED_BASE}/#/")
        assert printed.endswith("workflowType=machine_learning")
        return printed.replace(PRINTED_BASE, self.base)

    def page(self, path: str) -> str:
        """A page that no command prints."""
        return f"{self.base}/#{path}?workflowType=machine_learning"

    def run_page(self, run: Any, part: str = "") -> str:
        """The page of a run, or a part of it such as `artifacts/plots/roc.png`."""
        info = run.info
        return self.page(
            f"/experiments/{info.experiment_id}/runs/{info.run_id}{part and '/'}{part}"
        )

    def runs(self, experiment: str, condition: str = "") -> list[Any]:
        """Runs of an experiment."""
        found = self.client.get_experiment_by_name(experiment)
        return list(self.client.search_runs([found.experiment_id], condition))

    def run(self, experiment: str, condition: str) -> Any:
        """The only run of an experiment for which this holds."""
        (found,) = self.runs(experiment, condition)
        return found

    def search(self, experiment: str) -> Any:
        """The run of an experiment's only search."""
        return self.run(experiment, "tags.trialstack.kind = 'search'")

    def final(self, experiment: str) -> Any:
        """The final run of an experiment's only search."""
        return self.run(experiment, "tags.trialstack.kind = 'final'")


def make_store(folder: Path, commands: Mapping[str, Sequence[str]]) -> Shown:
    """Runs commands on a new store.

    Args:
        folder: Where the store goes.
        commands: See `COMMANDS`.
    """
    uri = f"sqlite:///{folder}/mlflow.db"
    links = {
        name: _links(_run(command, str(EXPERIMENTS / experiment), *more, uri=uri))
        for name, (command, experiment, *more) in commands.items()
    }
    return Shown(uri, links | {"compare": _links(_run("compare", RINGS, "--top", "3", uri=uri))})


@contextlib.contextmanager
def served(shown: Shown) -> Iterator[Shown]:
    """Inside, the store has its UI."""
    arguments = ["ui", "--port", str(_free_port()), "--tracking-uri", shown.uri]
    ui = subprocess.Popen(
        [sys.executable, "-m", "trialstack", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    assert ui.stdout is not None
    try:
        experiments = len(shown.links) - 1  # the comparison is none
        shown.said = [ui.stdout.readline().rstrip("\n") for _ in range(1 + experiments)]
        shown.base = shown.said[0].partition("/#")[0]
        yield shown
    finally:
        ui.send_signal(signal.SIGTERM)
        ui.communicate(timeout=300)


def _run(*arguments: str, uri: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "trialstack", *arguments, "--tracking-uri", uri],
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _links(text: str) -> dict[str, str]:
    return dict(re.findall(r"^  (\S+): +(http://\S+)$", text, re.MULTILINE))
