"""What a person types goes nowhere that it should not: passwords to nobody, names to no folder."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import pytest

from trialstack.commands.tune import _stopped
from trialstack.errors import InputError, TrialstackError
from trialstack.executors.reason import encodable, reason_of
from trialstack.exits import exit_code_of
from trialstack.live.progress import Progress
from trialstack.logs import shown_log
from trialstack.new import write_new
from trialstack.searches import folder_name
from trialstack.tracking.outage import away
from trialstack.tracking.store import Store, display_uri

URI = "https://ann:s3cr3t'\"@tracking.example/api"
ADVERSE = [
    "../../x",
    "/etc/passwd",
    "..",
    ".",
    "a/../../b",
    "a\\b",
    "C:\\x",
    "~",
    "a\0b",
    "%2e%2e/x",
]


def raising() -> None:
    try:
        raise OSError(f"API request to {URI} failed")
    except OSError as error:
        raise RuntimeError(f"{URI}: no answer") from error


@pytest.mark.parametrize("debug", [False, True])
def test_an_unforeseen_error_tells_no_password(
    capsys: pytest.CaptureFixture[str], debug: bool
) -> None:
    assert exit_code_of(raising, debug=debug) == 1
    said = capsys.readouterr().err
    assert "s3cr3t" not in said
    assert "tracking.example" in said
    assert ("Traceback" in said) == debug


def test_an_error_of_ours_tells_no_password(capsys: pytest.CaptureFixture[str]) -> None:
    def refuse() -> None:
        raise TrialstackError(f"{URI} cannot be used")

    assert exit_code_of(refuse, debug=False) == 1
    assert capsys.readouterr().err == "error: https://***@tracking.example/api cannot be used\n"


def test_progress_log_and_resume_line_tell_no_password(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    progress = Progress()
    progress.stage(f"sending to {URI}")
    progress.warning(f"no views: {URI}")
    with shown_log(progress.line, debug=True):
        logging.getLogger("trialstack.any").debug("it broke", exc_info=OSError(URI))
    monkeypatch.setattr(sys, "argv", ["trialstack", "tune", "e.toml", f"--tracking-uri={URI}"])
    progress.line(_stopped(progress))
    said = capsys.readouterr().err
    assert "s3cr3t" not in said
    assert said.count("tracking.example") == 4


def test_a_failed_trial_tells_no_password() -> None:
    error = OSError(f"{URI}: no answer")
    assert reason_of(error) == "OSError: https://***@tracking.example/api: no answer"
    assert "s3cr3t" not in encodable(f"Traceback ... {error}")


def test_an_outage_tells_no_password() -> None:
    store = Store(URI, None, Path("mlruns"), local=False)
    assert "s3cr3t" not in away(store, OSError(f"no answer from {URI}")) + repr(store)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://a:p'q@db/x", "postgresql://***@db/x"),
        ('postgresql://a:p"q@db/x', "postgresql://***@db/x"),
        ("mysql://db/x?password=p'q&a=b", "mysql://db/x?password=***&a=b"),
        ("https://host/?api_key=abc", "https://host/?api_key=***"),
        ("http://localhost:5000", "http://localhost:5000"),
    ],
)
def test_passwords_of_any_characters_are_masked(text: str, shown: str) -> None:
    assert display_uri(text) == shown


@pytest.mark.parametrize("name", ADVERSE)
def test_a_name_stays_in_its_folder(name: str, tmp_path: Path) -> None:
    root = tmp_path / "searches"
    assert (root / folder_name(name)).resolve().parent == root
    inside = tmp_path / "work"
    inside.mkdir()
    with pytest.raises(InputError):
        write_new(name, inside)
    assert [path.name for path in tmp_path.rglob("*")] == ["work"]


def test_names_that_look_alike_have_folders_of_their_own() -> None:
    assert (
        len({folder_name(name) for name in [*ADVERSE, "x", "a_b", ".._.._x"]}) == len(ADVERSE) + 3
    )
