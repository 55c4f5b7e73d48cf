from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from trialstack.errors import InputError, TrialstackError
from trialstack.tracking.server import Program, require_loopback, serve


def shell(script: str, folder: Path | None = None) -> Program:
    """A server that is a shell's script."""
    return Program(
        "the thing", lambda host, port: ["sh", "-c", script, host, str(port)], "/", {}, folder
    )


def run(program: Program, port: int = 0) -> None:
    serve(program, port, host="127.0.0.1", on_ready=print, warn=print)


def test_a_server_that_ends_by_itself_is_an_error() -> None:
    with pytest.raises(TrialstackError, match=r"ended with code 3: no such thing$"):
        run(shell("echo starting; echo no such thing; exit 3"))


def test_it_runs_in_its_folder_with_host_and_port(tmp_path: Path) -> None:
    with pytest.raises(TrialstackError, match=rf"code 1: {tmp_path} 127.0.0.1 \d+$"):
        run(shell('echo "$PWD $0 $1"; exit 1', tmp_path))


def test_a_taken_port_is_replaced_and_said(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(TrialstackError):
            run(shell("exit 1"), port)
    assert capsys.readouterr().out.startswith(f"port {port} is in use: the thing takes ")


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "192.168.1.2", "example.org", "::", "127.0.0.1.nip.io"]
)
def test_other_machines_are_not_served(host: str) -> None:
    with pytest.raises(InputError, match="the thing has no passwords"):
        require_loopback(host, "the thing")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_this_machine_is_served(host: str) -> None:
    require_loopback(host, "the thing")


def test_a_killed_parent_leaves_no_server_behind() -> None:
    program = (
        "from trialstack.tracking.server import Program, running\n"
        # a server and its worker
        "script = 'sleep 600 & exec sleep 600'\n"
        "sleeper = Program('it', lambda host, port: ['sh', '-c', script], '/')\n"
        "with running(sleeper, '127.0.0.1', 5000) as server:\n"
        "    print(server.process.pid, flush=True)\n"
        "    server.process.wait()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        group = int(parent.stdout.readline())
        os.killpg(group, 0)
        parent.kill()
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.02)
    os.killpg(group, signal.SIGKILL)
    pytest.fail("the server lives on")
