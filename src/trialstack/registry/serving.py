"""MLflow's scoring server for a registered model, reachable from this machine only."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from trialstack.registry.loading import CheckedModel
from trialstack.tracking.server import Program, serve

DEFAULT_PORT = 5001
"""The UI's is 5000."""

EXAMPLE_FILE = "serving_input_example.json"
"""File in a model's folder: a request with some of the rows that it was registered with."""


def serve_model(
    model: CheckedModel,
    port: int = DEFAULT_PORT,
    *,
    host: str = "127.0.0.1",
    on_ready: Callable[[str], None],
    warn: Callable[[str], None],
) -> NoReturn:
    """Runs a scoring server until a signal or its own end: `/invocations` scores, `/ping` answers.

    Args:
        model: What it serves; its folder must stay until the end.
        port: Where to listen; the next free one if it is taken. 0 for any.
        host: A loopback address, see `trialstack.tracking.server.require_loopback`.
        on_ready: Told the server's address once it answers.
        warn: Told when another port is taken.

    Raises:
        InputError: No port is free.
        Interrupted: A signal ended it, which is the usual way.
        TrialstackError: The server ended by itself.
    """
    serve(_program(model.folder), port, host=host, on_ready=on_ready, warn=warn)


def curl_line(model: CheckedModel, url: str) -> str:
    """A shell's line that scores a row which the model was registered with.

    Args:
        model: That is served.
        url: Of the server.
    """
    request = json.loads((model.folder / EXAMPLE_FILE).read_text("utf-8"))
    table = request["dataframe_split"]
    body = json.dumps({"dataframe_split": {**table, "data": table["data"][:1]}}, ensure_ascii=False)
    return shlex.join(
        ["curl", f"{url}/invocations", "-H", "Content-Type: application/json", "-d", body]
    )


def _program(folder: Path) -> Program:
    def command(host: str, port: int) -> list[str]:
        options = ["-m", str(folder), "-h", host, "-p", str(port), "-w", "1"]
        # The environment that has checked the model serves it; none is made for it.
        options += ["--env-manager", "local"]
        return [sys.executable, "-m", "mlflow", "models", "serve", *options]

    # MLflow looks for its server program there, where an environment that is not activated is not.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    environment = {
        "PATH": path,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "PYTHONWARNINGS": "ignore",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    # Python imports from where it is started: nothing of the user's folder is to be in the way.
    return Program("the model", command, "/ping", environment, folder.parent)
