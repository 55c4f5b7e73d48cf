"""A tracking server that is killed under a search, and stays away for long."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.conftest import Figure
from tests.faults.searched import Searched, check_as_if_never_interrupted
from tests.pipeline.test_sync_server import TrackingServer

pytestmark = [pytest.mark.faults, pytest.mark.slow]

AWAY = float(os.environ.get("AWAY") or 60)
"""Seconds; row 3 says 300."""

EPOCH = AWAY / 20
"""Seconds that an epoch takes: the server comes back within the last of six trials."""

MOST_ADDED = 30.0
"""Seconds that it may cost a trial."""

SLOW = Path(__file__).with_name("slow.py")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[TrackingServer]:
    folder = tmp_path / "server"
    folder.mkdir()
    server = TrackingServer(folder)
    try:
        server.start()
        yield server
    finally:
        server.kill()


def begun(place: Searched) -> int:
    """How many trials have begun."""
    return sum(path.read_bytes().count(b'{"event":"started"') for path in place.journals)


def test_killed_in_a_trial_and_back_after_minutes(
    tmp_path: Path, server: TrackingServer, whole: Callable[[str], Searched], figure: Figure
) -> None:
    place = Searched(tmp_path / "desk")
    where = ("--tracking-uri", server.uri)
    with place.start(*where, program=[str(SLOW), str(EPOCH)]) as process:
        assert process.wait_for(lambda: begun(place) == 2), process.said
        time.sleep(EPOCH / 2)
        server.kill()
        gone = time.time()
        time.sleep(AWAY)
        back = time.time()
        server.start()
        code = process.wait()
    said = "the tracking server does not answer (connection refused): results wait in the journal"
    assert process.said.count(said) == 1, process.said
    assert "Traceback" not in process.said
    # What could not be sent in time is sent by the same command.
    assert code in {0, 1}, process.said
    answer = json.loads(process.out) if code == 0 else place.finish(*where)
    (place.folder / "mlruns" / "mlflow.db").symlink_to(server.database)
    check_as_if_never_interrupted(place, answer, whole("one-by-one"), ended_itself=code == 1)

    started = {e["trial_id"]: e["time"] for e in place.entries() if e["event"] == "started"}
    finished = [entry for entry in place.entries() if entry["event"] == "finished"]
    # Beside the epochs; of a trial before the outage it is what a busy machine takes.
    took = {
        entry["trial_id"]: entry["time"] - started[entry["trial_id"]] - EPOCH * len(entry["times"])
        for entry in finished
    }
    ended = {entry["trial_id"]: entry["time"] for entry in finished}
    usual = [took[each] for each in took if ended[each] < gone]
    during = [took[each] for each in took if started[each] < back and ended[each] > gone]
    assert usual, "the server was killed in the first trial"
    assert during, "no trial was under way"
    added = max(0.0, max(during) - max(usual))
    assert added < MOST_ADDED
    figure("seconds that a dead server cost a trial", added)
