from __future__ import annotations

import json
import shlex
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest

from trialstack.registry.loading import checked_model
from trialstack.registry.reference import ModelReference
from trialstack.registry.serving import curl_line
from trialstack.tracking.store import resolve_store


def test_curl_line_scores_one_row_of_the_example(shelf):
    with checked_model(ModelReference("circles"), resolve_store(shelf.uri)) as model:
        line = curl_line(model, "http://127.0.0.1:5001")
    program, url, *_, body = shlex.split(line)
    assert (program, url) == ("curl", "http://127.0.0.1:5001/invocations")
    assert json.loads(body) == {"dataframe_split": {"columns": ["x", "y"], "data": [[0.0, 0.5]]}}


@pytest.mark.slow
def test_a_served_model_answers_the_printed_line(shelf, tmp_path):
    """On the next free port, where the wanted one is taken; until Ctrl-C."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "trialstack", "serve", "circles", "--port", str(port)]
        server = subprocess.Popen(
            [*command, "--tracking-uri", shelf.uri],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert server.stdout is not None
            said, line = server.stdout.readline(), server.stdout.readline()
            assert said.startswith("models:/circles/1 answers at http://127.0.0.1:")
            answer = answer_of(line)
            assert answer["predictions"][0]["prediction"] == 1  # 0 + 2 * 0.5 > 0
            assert answer["predictions"][0]["probability_1"] == pytest.approx(0.731059, abs=1e-6)
        finally:
            server.send_signal(signal.SIGINT)
            _, errors = server.communicate(timeout=60)
    assert server.returncode == 0
    assert errors.startswith(f"warning: port {port} is in use: the model takes ")
    assert errors.count("\n") == 1


def answer_of(line):
    """What the line of a shell prints; without curl, what a request like it is answered."""
    try:
        done = subprocess.run(
            line, shell=True, capture_output=True, text=True, check=True, timeout=60
        )
    except subprocess.CalledProcessError as error:
        if error.returncode != 127:
            raise
    else:
        return json.loads(done.stdout)
    _, url, _, header, _, body = shlex.split(line)
    request = urllib.request.Request(url, body.encode(), dict([header.split(": ")]))
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)
