"""Names of the tags that trialstack reads and writes, and where a run came from."""

from __future__ import annotations

import colorsys
import getpass
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

KIND = "trialstack.kind"
SEARCH_ID = "trialstack.search_id"
KEY = "trialstack.key"
SUCCESSOR = "trialstack.successor"
ERROR = "trialstack.error"
ORDER = "trialstack.order"
CHANGED = "trialstack.changed"
LADDER_ID = "trialstack.ladder_id"
DATA_DIGEST = "trialstack.data_digest"
TEST_DIGEST = "trialstack.test_digest"
TEST_ROWS = "trialstack.test_rows"
VERSIONS = "trialstack.versions"  # name of a program -> its version, as JSON
STACKED = "trialstack.trials_stacked"  # how many trials of a search were trained in a stack
SEARCH_SECONDS = "trialstack.search_seconds"  # from the first trial asked to the last result
TEST_AUC = "trialstack.test_auc"
MODEL = "trialstack.model"  # the version that came of a search or trial, such as v2

PARENT = "mlflow.parentRunId"
DESCRIPTION = "mlflow.note.content"
LOGGED_IMAGES = "mlflow.loggedImages"
LOGGED_TABLES = "mlflow.loggedArtifacts"
COLOUR = "mlflow.runColor"

_GOLDEN_RATIO = 0.618033988749895
_LIGHTNESS = (0.42, 0.58, 0.34)


def source_tags() -> dict[str, str]:
    """Who runs what, in MLflow's words: without these its run page shows dashes.

    The commit is that of the current directory, where a user's experiments are.
    """
    tags = {
        "mlflow.user": user_name(),
        "mlflow.source.name": _program(),
        "mlflow.source.type": "LOCAL",
    }
    if commit := _commit():
        tags["mlflow.source.git.commit"] = commit
    return tags


def _program() -> str:
    program = Path(sys.argv[0]) if sys.argv and sys.argv[0] else Path("<console>")
    # That is what `python -m PACKAGE` runs.
    return program.parent.name if program.name == "__main__.py" else str(program)


def colour_of(key: str) -> str | None:
    """A colour for a run whose key ends in a number, far from those of its neighbours.

    MLflow's own, made of the run's id, look alike in every second search. Steps of the golden
    ratio around the colour circle never come close to where they have been before.

    Example:
        >>> colour_of("trial/0000"), colour_of("trial/0001"), colour_of("final")
        ('#bb1b1b', '#4472e4', None)
    """
    digits = key.rpartition("/")[2]
    if not digits.isdecimal():
        return None
    number = int(digits)
    lightness = _LIGHTNESS[number % len(_LIGHTNESS)]
    rgb = colorsys.hls_to_rgb(number * _GOLDEN_RATIO % 1.0, lightness, 0.75)
    return "#" + "".join(f"{round(255 * part):02x}" for part in rgb)


def logged_tables(paths: Sequence[str]) -> str:
    """Value of the tag by which MLflow knows which artifacts are tables."""
    return json.dumps([{"path": path, "type": "table"} for path in paths])


def table_paths(value: str) -> list[str]:
    """The paths that a value of that tag names."""
    return [table["path"] for table in json.loads(value or "[]")]


def user_name() -> str:
    """Of who runs this process, as MLflow's tag `mlflow.user` has it."""
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):  # a container's user without a name
        return "unknown"


def _commit() -> str:
    command = ["git", "rev-parse", "--verify", "--quiet", "HEAD"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.strip()
