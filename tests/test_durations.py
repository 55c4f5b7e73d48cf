from __future__ import annotations

import subprocess
import sys
import time

import pytest

from trialstack.durations import parse_duration
from trialstack.errors import InputError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("90s", 90),
        ("10m", 600),
        ("1h30m", 5400),
        ("1.5h", 5400),
        ("2d", 172800),
        ("0.5", 0.5),
        (" 10m ", 600),
    ],
)
def test_durations_as_people_type_them(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "0",
        "0m",
        "-5m",
        "10 m",
        "10M",
        "m",
        "1.5.5",
        "1e3",
        "inf",
        "nan",
        "ten",
        "5m!",
        ".",
    ],
)
def test_anything_else_is_refused_with_what_came(text: str) -> None:
    with pytest.raises(InputError, match=r"--time-limit: .* came; give a duration") as raised:
        parse_duration(text)
    assert repr(text) in str(raised.value)


def test_this_process_began_before_its_first_import() -> None:
    program = (
        "import time; time.sleep(0.5); from trialstack.durations import seconds_of_process\n"
        "first = seconds_of_process(); time.sleep(0.1); print(first, seconds_of_process())"
    )
    began = time.monotonic()
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    first, second = map(float, answer.stdout.split())
    assert first + 0.1 <= second < time.monotonic() - began + 0.02  # a tick of Linux' clock
    if sys.platform == "linux":
        assert first >= 0.5
