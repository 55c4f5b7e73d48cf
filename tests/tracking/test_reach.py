from __future__ import annotations

import threading
from base64 import b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from trialstack.errors import InputError
from trialstack.tracking import credentials
from trialstack.tracking.reach import require_server

ANN = f"Basic {b64encode(b'ann:s%cret').decode()}"


class Guarded(BaseHTTPRequestHandler):
    """Lets Ann in, and tells those who ask under a name that is not its own."""

    def do_GET(self) -> None:
        host = self.headers["Host"].partition(":")[0]
        code, said = (200, b"{}") if self.headers["Authorization"] == ANN else (401, b"who?")
        if host != "127.0.0.1":
            code, said = 403, b"Invalid Host header - possible DNS rebinding attack detected"
        self.send_response(code)
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Guarded) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person without any credentials."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in (credentials.USERNAME, credentials.PASSWORD, credentials.TOKEN):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_without_credentials(port: int) -> None:
    with pytest.raises(InputError, match="wants a user name and a password; set MLFLOW_TRACKING"):
        require_server(f"http://127.0.0.1:{port}")


@pytest.mark.parametrize("where", ["variables", "address", "file"])
@pytest.mark.parametrize("right", [True, False])
def test_credentials(
    port: int, home: Path, monkeypatch: pytest.MonkeyPatch, where: str, right: bool
) -> None:
    password, uri = "s%cret" if right else "other", f"http://127.0.0.1:{port}"
    if where == "variables":
        monkeypatch.setenv(credentials.USERNAME, "ann")
        monkeypatch.setenv(credentials.PASSWORD, password)
    elif where == "address":
        uri = uri.replace("://", f"://ann:{password.replace('%', '%25')}@")
    else:
        (home / ".mlflow").mkdir()
        lines = f"mlflow_tracking_username = ann\nmlflow_tracking_password = {password}\n"
        (home / ".mlflow" / "credentials").write_text(f"[mlflow]\n{lines}")
    if right:
        require_server(uri)
        return
    with pytest.raises(InputError, match="refuses the user name or the password") as refused:
        require_server(uri)
    assert "other" not in str(refused.value)


def test_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(credentials.TOKEN, "t0ken")
    assert credentials.authorization("http://127.0.0.1") == "Bearer t0ken"


def test_what_signs_otherwise_is_left_to_mlflow(
    port: int, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / ".netrc").touch()
    require_server(f"http://127.0.0.1:{port}")
    (home / ".netrc").unlink()
    monkeypatch.setenv("MLFLOW_TRACKING_AUTH", "a-plugin")
    require_server(f"http://127.0.0.1:{port}")


def test_a_name_that_the_server_does_not_know(port: int) -> None:
    with pytest.raises(InputError, match=rf"under the name localhost:{port}.*--allowed-hosts"):
        require_server(f"http://ann:x@localhost:{port}")


@pytest.mark.parametrize("mark", ["/", "#", "?"])
def test_a_password_that_breaks_the_address_is_not_shown(mark: str) -> None:
    with pytest.raises(InputError, match=r"write / . # as") as raised:
        require_server(f"http://ann:s3c{mark}r3t@127.0.0.1:5000")
    error: BaseException | None = raised.value
    while error is not None:  # all that --debug shows
        assert "s3c" not in str(error)
        error = None if error.__suppress_context__ else error.__context__


@pytest.mark.parametrize("port", ["65536", "x"])
def test_a_port_that_is_none(port: str) -> None:
    with pytest.raises(InputError, match="is no port from 0 to 65535"):
        require_server(f"http://127.0.0.1:{port}")
