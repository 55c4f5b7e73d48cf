"""The commands of docs/team-server.md, one after the other, as a reader types them."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.conftest import LONGEST_STOP, ROOT, Postgres, free_port, new_postgres

pytestmark = pytest.mark.server

PAGE = ROOT / "docs" / "team-server.md"
PASSWORD = "the password that you have chosen"

# Runs what it is told as a user of PostgreSQL's; packages are installed already.
SUDO = """#!/bin/sh
[ "$1" = apt-get ] && exit 0
[ "$1 $2" = "-u postgres" ] && shift 2
PGUSER=postgres exec "$@"
"""
# The environment that runs the tests has what `make` would install; these may be run by a `make`.
MAKE = """#!/bin/sh
unset ARGS MAKEFLAGS MAKEOVERRIDES MFLAGS MAKELEVEL
exec /usr/bin/make --no-print-directory -f {root}/Makefile VENV={venv} INSTALLED={venv}/.there \\
    -o {venv}/.there -o {venv}/.server -o pyproject.toml -o constraints.txt "$@"
"""


class Reader:
    """Who follows the page, on a machine of which only ports and folders are other ones."""

    def __init__(self, folder: Path, postgres: Postgres) -> None:
        self.folder, self.postgres, self.port = folder, postgres, free_port()
        self.server: subprocess.Popen[str] | None = None
        programs = folder / "bin"
        programs.mkdir()
        venv = Path(sys.executable).parents[1]
        scripts = {"sudo": SUDO, "make": MAKE.format(root=ROOT, venv=venv)}
        for name, text in scripts.items():
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)
        path = [str(programs), str(venv / "bin"), postgres.environment["PATH"]]
        self.environment = {
            **os.environ,
            **postgres.environment,
            "PATH": os.pathsep.join(path),
            "HOME": str(folder),
            "PYTHONWARNINGS": "ignore",
        }

    def here(self, block: str) -> str:
        """A block of the page, with the ports and folders of this machine."""
        block = block.replace("127.0.0.1:5000", f"127.0.0.1:{self.port}")
        block = block.replace("127.0.0.1:5432", f"127.0.0.1:{self.postgres.port}")
        block = block.replace("127.0.0.1/mlflow", f"127.0.0.1:{self.postgres.port}/mlflow")
        return block.replace("/srv/mlflow", f"{self.folder}/srv")

    def types(self, block: str) -> str:
        """Runs a block; gives what it printed."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", self.here(block)],
            input=f"{PASSWORD}\n{PASSWORD}\n",  # where createuser asks for it
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            start_new_session=True,  # without a terminal, from which it would be read
        )
        assert done.returncode == 0, (block, done.stdout, done.stderr)
        return done.stdout

    def starts(self, block: str) -> None:
        """Runs a server's command, and waits for it."""
        self.ends()
        said = self.folder / "server.out"
        command = f"{self.here(block).strip()} PORT={self.port}"
        with said.open("w") as out, (self.folder / "server.log").open("a") as log:
            self.server = subprocess.Popen(
                ["bash", "-c", f"exec {command}"],
                cwd=self.folder,
                env=self.environment,
                stdout=out,
                stderr=log,
                text=True,
            )
        while "answers until Ctrl-C" not in said.read_text():
            assert self.server.poll() is None, (self.folder / "server.log").read_text()
            time.sleep(0.1)

    def ends(self) -> None:
        if self.server is not None:
            self.server.send_signal(signal.SIGTERM)
            self.server.wait(LONGEST_STOP)
            self.server = None


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    pytest.importorskip("psycopg", reason="make test-server installs it")
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed: apt-get install curl")
    with new_postgres() as postgres:
        reader = Reader(tmp_path, postgres)
        (tmp_path / "srv").mkdir()
        try:
            yield reader
        finally:
            reader.ends()


def test_the_page_can_be_followed(reader: Reader) -> None:
    blocks = re.findall(r"^```bash\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    for block in blocks:
        if block.startswith("make server"):
            reader.starts(block)
            continue
        reader.types(block)
        if '"username": "ann"' in block and "users/create" in block:
            reader.types(block.replace('"ann"', '"bob"'))
        if "max-time" in block:
            probe = block.splitlines()[-1]

    runs = "SELECT count(*) AS runs FROM runs WHERE status = 'FINISHED'"
    (counted,) = reader.postgres.rows(runs)
    assert reader.postgres.rows(runs, "mlflow-restored") == [{"runs": 0}]  # saved before them
    assert counted["runs"] == 7  # four trials, search, baseline, final
    assert list((reader.folder / "srv" / "artifacts").rglob("model.keras"))

    reader.postgres.stop()
    try:
        done = subprocess.run(
            ["bash", "-c", reader.here(probe)],
            cwd=reader.folder,
            env=reader.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 22, done.stderr
        assert "503" in done.stderr
    finally:
        reader.postgres.start()


def test_the_services_command_is_ours() -> None:
    """What the unit of systemd starts and sets is there."""
    from trialstack.cli import cli

    (unit,) = re.findall(r"^```ini\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    (started,) = re.findall(r"^ExecStart=\S+/trialstack (.*)$", unit, re.MULTILINE)
    variables = {p.envvar for p in cli.commands[started].params}
    assert set(re.findall(r"^Environment=(\w+)=", unit, re.MULTILINE)) <= variables
