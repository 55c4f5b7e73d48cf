"""What `trialstack tune` says when it is interrupted."""

from __future__ import annotations

import shlex
import signal
from pathlib import Path
from typing import Any

import pytest

from trialstack.commands import tune as command
from trialstack.commands.of_table import TableOptions
from trialstack.commands.tune import run_tune
from trialstack.errors import Interrupted
from trialstack.pipeline.job import Listener

EXPERIMENT = Path(__file__).parents[2] / "experiments" / "circles_search.toml"
GO_ON = "stopped; what is finished is saved. Go on with: "


@pytest.mark.parametrize(
    ("arguments", "opened", "again"),
    [
        ("tune e.toml --json", False, "tune e.toml --json"),
        ("tune e.toml --fresh --seed 5", False, "tune e.toml --fresh --seed 5"),
        ("tune e.toml --fresh --seed 5", True, "tune e.toml --seed 5"),
        ("tune 'my file.toml' --trials 4", True, "tune 'my file.toml' --trials 4"),
    ],
)
def test_the_line_to_go_on_with_means_the_same_search(
    arguments: str,
    opened: bool,
    again: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupted(*_arguments: Any, listener: Listener, **_options: Any) -> None:
        if opened:
            listener.search_opened()
        raise Interrupted(signal.SIGINT)

    monkeypatch.setattr(command, "tune", interrupted)
    monkeypatch.setattr("sys.argv", ["/anywhere/trialstack", *shlex.split(arguments)])
    with pytest.raises(Interrupted):
        run_tune(
            str(EXPERIMENT),
            TableOptions(data=None, name=None, dataset={}),
            [],
            save=None,
            tracking_uri=None,
            fresh="--fresh" in arguments,
            extend=None,
            time_limit=None,
            as_json=False,
            debug=False,
        )
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines()[-1] == f"{GO_ON}trialstack {again}"
