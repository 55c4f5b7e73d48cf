from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from trialstack.errors import InputError
from trialstack.tracking.store import Store, resolve_store
from trialstack.tracking.ui import serve_ui, ui_command

PATIENCE = 120  # seconds for what takes one, on a machine that may be busy

SERVE = """
import sys
from trialstack.errors import Interrupted
from trialstack.tracking.store import resolve_store
from trialstack.tracking.ui import serve_ui
say = lambda line: print(line, flush=True)
try:
    serve_ui(resolve_store(sys.argv[1]), int(sys.argv[2]), on_ready=say, warn=say)
except Interrupted as interrupted:
    sys.exit(interrupted.exit_code)
"""


@dataclass
class Served:
    process: subprocess.Popen[str]
    warning: str
    url: str


@pytest.fixture(scope="module")
def served(empty_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server on an empty store, asked for a port that is taken."""
    folder = tmp_path_factory.mktemp("served")
    shutil.copy(empty_database, folder)
    store = resolve_store(f"sqlite:///{folder}/mlflow.db")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE, store.tracking_uri, str(port)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        warning, url = process.stdout.readline().strip(), process.stdout.readline().strip()
        assert f"port {port} is in use" in warning
        yield Served(process, warning, url)
    if process.poll() is None:
        process.terminate()
    process.communicate(timeout=PATIENCE)


def status(url: str, host: str | None = None) -> int:
    request = urllib.request.Request(url, headers={"Host": host} if host else {})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def test_a_taken_port_is_replaced_and_said(served: Served) -> None:
    port = served.url.rpartition(":")[2]
    assert served.warning.endswith(f"the UI takes {port}")
    assert status(f"{served.url}/health") == 200


def test_only_the_listed_hosts_are_served(served: Served) -> None:
    port = served.url.rpartition(":")[2]
    page = f"{served.url}/ajax-api/2.0/mlflow/experiments/search?max_results=1"
    assert status(page) == 200
    assert status(page, f"localhost:{port}") == 200
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1:1", "192.168.0.1"):
        assert status(page, host) == 403


def test_a_server_of_ones_own_is_just_named(served: Served, tmp_path: Path) -> None:
    store = resolve_store(served.url.replace("://", "://ann:secret@"), tmp_path)
    told: list[str] = []
    serve_ui(store, on_ready=told.append)
    assert told == [served.url.replace("://", "://***@")]
    assert ui_command(store) == ""


def descendants(pid: int) -> list[int]:
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
    ).stdout
    parents = {int(each): int(parent) for each, parent in map(str.split, listed.splitlines())}
    found = [pid]
    for known in found:  # it grows
        found += [each for each, parent in parents.items() if parent == known]
    return found[1:]


def test_sigterm_ends_all_processes(served: Served) -> None:
    """The last test of the server."""
    workers = descendants(served.process.pid)
    assert len(workers) >= 3  # the shell that binds it, MLflow's command, its worker
    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait(PATIENCE) == 143
    end = time.monotonic() + PATIENCE  # to be reaped, by whoever inherited them
    while alive := [pid for pid in workers if Path(f"/proc/{pid}").exists()]:
        assert time.monotonic() < end, alive
        time.sleep(0.05)
    with pytest.raises(OSError, match="refused"):
        status(f"{served.url}/health")


def test_a_server_of_ones_own_that_is_gone_is_refused(tmp_path: Path) -> None:
    told: list[str] = []
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # but nobody listens
        store = resolve_store(f"http://127.0.0.1:{taken.getsockname()[1]}", tmp_path)
        with pytest.raises(InputError, match="does not answer"):
            serve_ui(store, on_ready=told.append)
    assert told == []


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.2", "example.org", "::"])
def test_other_machines_are_not_served(store: Store, host: str) -> None:
    with pytest.raises(InputError, match="no passwords"):
        serve_ui(store, host=host)


def test_the_command_names_a_store_that_is_not_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    assert ui_command(resolve_store()) == "trialstack ui"
    other = resolve_store("sqlite:///my runs/x.db")
    assert ui_command(other) == f"trialstack ui --tracking-uri 'sqlite:///{tmp_path}/my runs/x.db'"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", other.tracking_uri)
    assert ui_command(other) == "trialstack ui"
