from __future__ import annotations

import socket
import threading
from typing import Any

import pytest
from urllib3.exceptions import (
    ConnectTimeoutError,
    MaxRetryError,
    NewConnectionError,
    ProtocolError,
    ReadTimeoutError,
)

from trialstack.tracking.repeats import repeat_less

CREATE = "/api/2.0/mlflow/runs/create"
LOG = "/api/2.0/mlflow/runs/log-batch"


def retry() -> Any:
    from mlflow.utils import request_utils

    repeat_less()
    repeat_less()
    return request_utils.Retry(total=2, allowed_methods=None, status_forcelist=[500])


@pytest.mark.parametrize("page", [CREATE, f"{CREATE}?a=b", "/api/2.0/mlflow/logged-models"])
def test_what_may_have_been_created_is_not_asked_for_again(page: str) -> None:
    with pytest.raises(MaxRetryError, match="closed"):
        retry().increment("POST", page, error=ProtocolError("closed"))


@pytest.mark.parametrize(
    "error", [ReadTimeoutError(None, LOG, "read timed out"), ConnectTimeoutError("timed out")]
)
def test_what_got_no_answer_in_time_is_not_asked_for_again(error: Exception) -> None:
    with pytest.raises(MaxRetryError, match="timed out"):
        retry().increment("POST", LOG, error=error)


@pytest.mark.parametrize(
    ("method", "page", "error"),
    [
        ("POST", LOG, ProtocolError("closed")),
        ("GET", "/api/2.0/mlflow/runs/get", ProtocolError("closed")),
        ("POST", CREATE, NewConnectionError(None, "refused")),  # which was never sent
    ],
)
def test_other_requests_are_repeated(method: str, page: str, error: Exception) -> None:
    assert retry().increment(method, page, error=error).total == 1


def test_a_server_that_never_answers_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    repeat_less()
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    taken: list[socket.socket] = []

    def take() -> None:
        while True:
            try:
                taken.append(listening.accept()[0])
            except OSError:  # it was closed
                return

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=take, daemon=True).start()
        client = MlflowClient(f"http://127.0.0.1:{listening.getsockname()[1]}")
        with pytest.raises(MlflowException, match="timed out"):
            client.set_tag("0" * 32, "colour", "red")
        listening.shutdown(socket.SHUT_RDWR)
    assert len(taken) == 1
    for connection in taken:
        connection.close()
