"""A team's server as we start it: who gets in, our commands against it, and what it survives."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import stat
import subprocess
import time
import urllib.request
from base64 import b64encode
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import quote

import pandas as pd
import pytest

import trialstack
from tests.server.conftest import (
    DATABASE_PASSWORD,
    LONGEST_ANSWER,
    LONGEST_COMMAND,
    USERS,
    WRONG_PASSWORD,
    Answer,
    Team,
    command_lines,
)

pytestmark = pytest.mark.server

CIRCLES = """
name = "{name}"

[dataset]
source = "circles"
params = {{ n_samples = 200 }}

[hypermodel]
units = [[3, 9]]

[baseline]
units = [4]
epochs = 2

[search]
max_trials = {trials}
epochs = {epochs}
executor = "{executor}"
seed = {seed}
"""
SEARCH_PAGE = "/api/2.0/mlflow/experiments/search?max_results=1"
ROWS = "X0,X1\n0.0,0.1\n1.0,0.0\n"
MOST_REQUESTS = 12  # a trial


def write(team: Team, name: str, *, trials: int = 4, epochs: int = 3, seed: int = 1) -> str:
    executor = "one-by-one" if epochs > 3 else "stacked"
    text = CIRCLES.format(name=name, trials=trials, epochs=epochs, executor=executor, seed=seed)
    (team.desk / f"{name}.toml").write_text(text)
    return f"{name}.toml"


# Who gets in.


def test_hosts_that_are_not_listed_are_refused(team: Team) -> None:
    for host in ("evil.example", f"evil.example:{team.port}", "127.0.0.1:1", "192.168.0.1"):
        assert team.ask(SEARCH_PAGE, "ann", host=host)[0] == 403
    for host in (f"127.0.0.1:{team.port}", f"localhost:{team.port}", "mlflow.example.com"):
        assert team.ask(SEARCH_PAGE, "ann", host=host)[0] == 200


def test_curl_with_another_host_is_refused(team: Team) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed: apt-get install curl")
    command = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", f"{team.uri}/"]
    done = subprocess.run([*command, "-H", "Host: evil.example"], capture_output=True, check=True)
    assert done.stdout == b"403"


def test_without_a_password_nobody_gets_in(team: Team) -> None:
    for method, path in (
        ("GET", SEARCH_PAGE),
        ("DELETE", "/api/2.0/mlflow/users/delete"),
        ("DELETE", "/api/2.0/mlflow/registered-models/delete"),
        ("DELETE", "/api/2.0/mlflow-artifacts/artifacts/1/x/artifacts/y"),
        ("POST", "/api/2.0/mlflow/experiments/delete"),
        ("GET", "/"),
    ):
        assert team.ask(path, method=method)[0] == 401, path
    assert team.ask(SEARCH_PAGE, "ann")[0] == 200


def test_the_password_is_not_mlflows_and_its_files_are_private(team: Team) -> None:
    assert len(team.admin_password) == 32
    assert stat.S_IMODE(team.secrets.stat().st_mode) == 0o700
    for name in ("admin-password", "secret-key", "basic_auth.ini"):
        assert stat.S_IMODE((team.secrets / name).stat().st_mode) == 0o600
    eve = {"username": "eve", "password": "eve-password-88"}
    assert team.ask("/api/2.0/mlflow/users/create", "ann", eve)[0] == 403
    assert team.ask("/api/2.0/mlflow/users/get?username=bob", "admin")[0] == 200


@pytest.mark.parametrize("user", [None, "eve"])
def test_wrong_credentials_are_one_line(team: Team, user: str | None) -> None:
    experiment = write(team, "refused")
    (team.desk / "rows.csv").write_text(ROWS)
    with_password = team.uri.replace("://", f"://ann:{WRONG_PASSWORD}@")
    for command in (
        "tune refused.toml",
        "sweep-lr refused.toml",
        "compare refused",
        "report refused",
        "models",
        "promote refused 1",
        "predict refused rows.csv",
        "serve refused",
        "sync",
    ):
        answer = team.run(*command.split(), user=user)
        assert (answer.code, answer.out) == (2, ""), (command, answer)
        (line,) = answer.err.splitlines()
        assert line.startswith(f"error: tracking server {team.uri} ")
        assert "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD" in line
    answer = team.run("tune", experiment, "--tracking-uri", with_password, user=None)
    assert (answer.code, answer.out) == (2, "")
    assert len(answer.err.splitlines()) == 1
    assert WRONG_PASSWORD not in answer.err


# Our commands.


@pytest.fixture(scope="module")
def requests_made() -> list[tuple[str, str, str]]:
    """Method, path and content of every request of commands in this process."""
    return []


@pytest.fixture(scope="module")
def tuned(team: Team, requests_made: list[tuple[str, str, str]]) -> Answer:
    """A search of six trials, whose requests are counted."""
    import requests

    send = requests.Session.send

    def counted(session: Any, request: Any, **options: Any) -> Any:
        body = request.body if isinstance(request.body, str | bytes) else b""
        text = body if isinstance(body, str) else body.decode("utf-8", "replace")
        requests_made.append((request.method, request.url, text))
        return send(session, request, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(requests.Session, "send", counted)
        answer = team.run("tune", write(team, "circles", trials=6), "--json")
    assert answer.code == 0, answer.err
    return answer


def test_a_trial_costs_few_requests(
    team: Team, tuned: Answer, requests_made: list[tuple[str, str, str]], capsys: Any
) -> None:
    trials = runs_of(team, "circles", "trial")
    mine = [
        (method, re.sub(r"[0-9a-f]{32}|\?.*", "", url.removeprefix(team.uri)))
        for run in trials
        for method, url, text in requests_made
        # Those that name it alone; what names all of them is one for all of them.
        if run["run_uuid"] in url + text
        and not any(other["run_uuid"] in url + text for other in trials if other is not run)
    ]
    writing = [each for each in mine if each[0] != "GET" and "search" not in each[1]]
    each = len(writing) / len(trials) + 1  # its creation, whose request has no id yet
    reading = len(mine) / len(trials) + 1 - each
    with capsys.disabled():
        print(
            f"\nrequests a trial: {each:.1f} that write, {reading:.1f} that read (pictures of the "
            f"report's trials among them); {len(requests_made)} in all for {len(trials)} trials"
        )
    assert each <= MOST_REQUESTS, Counter(mine)


def test_what_commands_say(team: Team, tuned: Answer) -> None:
    link = f"{team.uri}/#/experiments/"
    assert tuned.json["tracking_uri"] == team.uri
    assert tuned.json["model"]["version"] == 1
    answer = team.run("compare", "circles")
    assert answer.code == 0, answer.err
    assert link in answer.out
    answer = team.run("report", "circles", "-o", "circles.html")
    assert answer.code == 0, answer.err
    page = (team.desk / "circles.html").read_text()
    assert team.uri in page
    assert page.count("data:image/png") >= 6  # their pictures came by the server
    answer = team.run("ui")
    assert (answer.code, answer.out.splitlines()[0]) == (
        0,
        f"{team.uri}/#/experiments?workflowType=machine_learning",
    )
    answer = team.run("sync")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.endswith(": complete already\n")


def test_the_registry(team: Team, tuned: Answer) -> None:
    again = team.run("tune", write(team, "circles", trials=3, seed=2), "--json", "--fresh")
    assert again.code == 0, again.err
    assert again.json["model"]["version"] == 2
    answer = team.run("promote", "circles", "2", "--why", "a test")
    assert answer.code == 0, answer.err
    answer = team.run("models", "circles", "--json")
    assert answer.code == 0, answer.err
    (model,) = answer.json["models"]
    assert {v["version"]: v["aliases"] for v in model["versions"]}[2] == ["champion"]

    rows = team.desk / "rows.csv"
    rows.write_text(ROWS)
    answer = team.run("predict", "circles", "rows.csv")
    assert answer.code == 0, answer.err
    assert len(answer.out.splitlines()) == 3

    with mock.patch.dict(os.environ, team.environment("ann")):
        loaded = trialstack.load("circles")
    assert "prediction" in loaded.predict(pd.read_csv(rows))


def test_serve(team: Team, tuned: Answer) -> None:
    process = team.begin("serve", "circles/1", "--port", "5031")
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        match = re.search(r"answers at (http://\S+)/invocations", said)
        assert match, team.end(process)
        request = urllib.request.Request(
            f"{match[1]}/invocations",
            data=json.dumps({"dataframe_records": [{"X0": 0.0, "X1": 0.1}]}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=LONGEST_ANSWER) as answer:
            assert "prediction" in answer.read().decode()
    finally:
        process.terminate()
        team.end(process)


def test_permissions(team: Team, tuned: Answer, tmp_path: Path) -> None:
    """Nothing of others is seen without a grant, and nothing changed with one for reading."""
    shutil.copy(team.desk / "circles.toml", tmp_path)
    (tmp_path / "rows.csv").write_text(ROWS)

    def told(command: str) -> Answer:
        return team.run(*command.split(), user="bob", at=tmp_path)

    def refusal(command: str) -> str:
        answer = told(command)
        assert (answer.code, answer.out) == (2, ""), (command, answer)
        assert not list(tmp_path.rglob("journal.jsonl"))
        return last_line(answer.err)

    experiment, model = "experiment 'circles'", "the tracking server does not let you"
    for command in ("tune circles.toml", "sweep-lr circles.toml", "compare circles"):
        assert experiment in refusal(command)
    for command in ("models circles", "promote circles 1", "predict circles rows.csv"):
        assert model in refusal(command)

    (found,) = team.postgres.rows("SELECT experiment_id FROM experiments WHERE name = 'circles'")
    for kind, which in (
        ("experiment", str(found["experiment_id"])),
        ("registered_model", "circles"),
    ):
        grant = {"username": "bob", "resource_type": kind, "resource_id": which}
        path = "/api/3.0/mlflow/users/permissions/grant"
        assert team.ask(path, "ann", {**grant, "permission": "READ"})[0] == 200
    before = runs_of(team, "circles")
    for command in (
        "compare circles",
        "report circles",
        "models circles",
        "predict circles rows.csv",
    ):
        answer = told(command)
        assert answer.code == 0, answer.err
    for command in ("tune circles.toml", "tune circles.toml --fresh", "sweep-lr circles.toml"):
        line = refusal(command)
        assert line.startswith(f"error: {experiment}"), line
        assert "lets you only read it" in line
    assert model in refusal("promote circles 1")
    body = {"run_id": tuned.json["search_run_id"], "key": "x", "value": "y"}
    assert team.ask("/api/2.0/mlflow/runs/set-tag", "bob", body)[0] == 403
    assert runs_of(team, "circles") == before


def last_line(text: str) -> str:
    """The only line but those that tell how far a command has come."""
    *others, line = text.splitlines()
    assert not [other for other in others if re.match("error|warning|Traceback", other)], text
    return line


# What it survives.


def runs_of(team: Team, name: str, kind: str = "") -> list[dict[str, Any]]:
    """Runs of an experiment, as the database has them, in one order at every call."""
    return team.postgres.rows(
        "SELECT r.run_uuid, r.status, k.value AS kind, t.value AS trial_id FROM runs r "
        "JOIN experiments e USING (experiment_id) "
        "JOIN tags k ON k.run_uuid = r.run_uuid AND k.key = 'trialstack.kind' "
        "LEFT JOIN tags t ON t.run_uuid = r.run_uuid AND t.key = 'trialstack.trial_id' "
        f"WHERE e.name = '{name}'"
        + (f" AND k.value = '{kind}'" if kind else "")
        + " ORDER BY r.run_uuid"
    )


def journal_of(team: Team, name: str) -> list[dict[str, Any]]:
    """What was finished, from the search's own record; empty before there is one."""
    journals = list(team.desk.glob(f"mlruns/searches/{name}/*/journal.jsonl"))
    lines = journals[0].read_text().splitlines() if journals else []
    entries: list[dict[str, Any]] = []
    for line in lines:
        with contextlib.suppress(json.JSONDecodeError):  # one that is being written
            entries.append(json.loads(line))
    return [entry for entry in entries if entry.get("event") == "finished"]


def until(what: Any, seconds: float = LONGEST_COMMAND) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end
        time.sleep(0.1)


def any_ended(processes: Iterable[subprocess.Popen[str]]) -> bool:
    return any(process.poll() is not None for process in processes)


def readiness(team: Team) -> int:
    """The probe of docs/team-server.md."""
    return team.ask(SEARCH_PAGE, "probe")[0]


def look_at_command_lines(team: Team, apart: int) -> None:
    """Has those of all processes searched for passwords, but for one that was given it."""
    found = command_lines()
    if found:  # elsewhere than on Linux there are none
        given = found.pop(apart)
        assert quote(USERS["ann"], safe="") in given
        assert any(f"--port {team.port}" in line for line in found.values())
        # A child of that one has its line until it has become another program.
        team.said += [line for line in found.values() if line != given]


NAMES = ("oak", "elm", "ash", "fir")
TRIALS = 4
FAILED_FITS = {("baseline", "FAILED"), ("final", "FAILED")}


@pytest.fixture(scope="module")
def survived(team: Team) -> dict[str, list[Answer]]:
    """Four searches at once: the server is killed under them, and its database stopped.

    What the commands of each have said: the second one's, where the first ended by an error.
    """
    with_password = team.uri.replace("://", f"://ann:{USERS['ann'].replace('@', '%40')}@")
    searches = {}
    for number, name in enumerate(NAMES):
        file = write(team, name, trials=TRIALS, epochs=20, seed=number)
        # One of them has its password in the address, the others in the environment.
        where = ("--tracking-uri", with_password) if name == "fir" else ()
        user = None if name == "fir" else "ann"
        searches[name] = (("tune", file, *where), user)
    begun = {name: team.begin(*line, user=user) for name, (line, user) in searches.items()}
    started = time.monotonic()
    until(lambda: any(journal_of(team, name) for name in NAMES) or any_ended(begun.values()))
    assert not any_ended(begun.values()), [team.end(p).err for p in begun.values() if p.poll()]
    look_at_command_lines(team, begun["fir"].pid)
    team.kill()
    busy = [name for name in NAMES if len(journal_of(team, name)) < TRIALS]
    assert busy, "the searches were over before the server was killed"
    time.sleep(3)
    team.start()
    until(lambda: readiness(team) == 200)
    team.postgres.stop()
    stopped = time.monotonic()
    until(lambda: readiness(team) == 503)
    assert team.ask("/health")[0] == 200  # hence the probe
    until(lambda: time.monotonic() > stopped + 20)
    team.postgres.start()
    until(lambda: readiness(team) == 200)
    answers = {name: [team.end(process)] for name, process in begun.items()}
    # What could not be sent in time is sent by the same command.
    for name, said in answers.items():
        if said[0].code != 0:
            line, user = searches[name]
            assert said[0].code == 1, said[0].err
            said.append(team.end(team.begin(*line, user=user)))
            assert said[1].code == 0, (said[0].err, said[1].err)
    print(f"four searches with outages: {time.monotonic() - started:.0f} s")
    return answers


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_lost(team: Team, survived: dict[str, list[Answer]], name: str) -> None:
    *ended_by_error, last = survived[name]
    assert last.code == 0
    runs = [
        run
        for run in runs_of(team, name)
        # The error that ended a command is told at what it was about.
        if not (ended_by_error and (run["kind"], run["status"]) in FAILED_FITS)
    ]
    assert "RUNNING" not in {run["status"] for run in runs}
    finished = Counter(run["kind"] for run in runs if run["status"] == "FINISHED")
    assert finished == {"search": 1, "trial": TRIALS, "baseline": 1, "final": 1}
    assert {run["status"] for run in runs} <= {"FINISHED", "KILLED"}
    versions = team.postgres.rows(f"SELECT version FROM model_versions WHERE name = '{name}'")
    assert [each["version"] for each in versions] == [1]

    told = {entry["trial_id"]: entry for entry in journal_of(team, name)}
    assert len(told) == TRIALS
    trials = {r["trial_id"]: r for r in runs if r["kind"] == "trial" and r["status"] == "FINISHED"}
    assert set(trials) == set(told)
    for trial_id, entry in told.items():
        names = ", ".join(f"'{metric}'" for metric in entry["history"])
        points = team.postgres.rows(
            "SELECT key, step, timestamp, value FROM metrics "
            f"WHERE run_uuid = '{trials[trial_id]['run_uuid']}' AND key IN ({names})"
        )
        assert sorted((p["key"], p["step"], p["timestamp"], p["value"]) for p in points) == sorted(
            (metric, epoch, int(1000 * entry["times"][epoch]), value)
            for metric, values in entry["history"].items()
            for epoch, value in enumerate(values)
        )


def test_nothing_is_left_to_send(team: Team, survived: dict[str, list[Answer]]) -> None:
    answer = team.run("sync")
    assert answer.code == 0, answer.err
    for name in NAMES:
        assert re.search(rf"^{name}/\S+: complete already$", answer.out, re.MULTILINE)


def test_no_password_is_anywhere(
    team: Team, tuned: Answer, survived: dict[str, list[Answer]]
) -> None:
    """In what was printed, logged, kept beside the searches, on the server or in its database."""
    dump = team.folder / "dump.sql"
    command = ["pg_dump", "-U", "postgres", f"--file={dump}", "mlflow"]
    environment = {**team.postgres.environment}
    subprocess.run(command, env=environment, check=True)
    (team.folder / "said.txt").write_text("\n".join(team.said))
    for log in (team.postgres.folder / "log", team.postgres.folder.parent / "programs.log"):
        shutil.copy(log, team.folder / f"postgres-{log.name}")
    people = {"admin": team.admin_password, **USERS, "eve": WRONG_PASSWORD}
    sent = [b64encode(f"{name}:{word}".encode()).decode() for name, word in people.items()]
    passwords = [DATABASE_PASSWORD, *people.values(), *sent]
    passwords += [quote(word, safe="") for word in (DATABASE_PASSWORD, *people.values())]
    passwords += [(team.secrets / "secret-key").read_text().strip()]
    private = {"admin-password", "secret-key", "basic_auth.ini"}
    looked_at = 0
    for file in team.folder.rglob("*"):
        if not file.is_file() or (file.parent == team.secrets and file.name in private):
            continue
        looked_at += 1
        content = file.read_bytes()
        assert not [word for word in passwords if word.encode() in content], file
    assert looked_at > 200
