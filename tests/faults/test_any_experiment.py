"""Whatever an experiment file holds, it is read or refused in one line; never a traceback."""

from __future__ import annotations

import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from trialstack.errors import InputError
from trialstack.experiment.experiment import Experiment
from trialstack.experiment.load import load_experiment

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
TEXTS = [path.read_bytes() for path in sorted(EXPERIMENTS.glob("*.toml"))]

MANY = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-3, 3)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["auto", "mlp", "a.b:C", "..", "\0", "\n", "x" * 999, "\ud800", "iris"])
    | st.dates()
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["min", "max", "step", "sampling", "x", ""]), inner)
    ),
    max_leaves=6,
)


def keys_of(tables: Any, prefix: str = "") -> list[str]:
    """Dotted names of all that an experiment has."""
    if not isinstance(tables, dict):
        return [prefix]
    inner = [k for name, each in tables.items() for k in keys_of(each, f"{prefix}.{name}")]
    return [*([prefix] if prefix else []), *inner]


GOOD = Experiment.load(EXPERIMENTS / "circles_search.toml")
KEYS = [key.lstrip(".") for key in keys_of(GOOD.resolved())]
FURTHER = ["baseline", "search.patience", "dataset.target", "dataset.groups", "hypermodel.l1"]


def refused(problem: InputError) -> None:
    line = str(problem)
    assert problem.exit_code == 2
    assert line
    assert not set(line) & set("\n\r\0\x1b"), line
    assert len(line) < 2000, line


@MANY
@given(
    text=st.sampled_from(TEXTS),
    where=st.floats(0, 1),
    length=st.integers(0, 20),
    put=st.binary(max_size=6) | st.text(string.printable, max_size=8).map(str.encode),
)
@example(b"", 0.0, 0, b"\xef\xbb\xbf")
@example(b"", 0.0, 0, b"[[[[" * 5000)
@example(b"", 0.0, 0, b"a=" + b"[" * 3000)
@example(b"", 0.0, 0, b"a=" + b"9" * 5000)
def test_any_mutation(tmp_path: Path, text: bytes, where: float, length: int, put: bytes) -> None:
    at = int(where * len(text))
    path = tmp_path / "experiment.toml"
    path.write_bytes(text[:at] + put + text[at + length :])
    try:
        load_experiment(path)
    except InputError as problem:
        refused(problem)


@MANY
@given(key=st.sampled_from([*KEYS, *FURTHER]), value=VALUES)
def test_any_value_of_any_key(key: str, value: Any) -> None:
    try:
        GOOD.with_settings({key: value})
    except InputError as problem:
        refused(problem)


@MANY
@given(key=st.text(max_size=12), value=st.integers(0, 3))
@example("search", 1)
@example("search..epochs", 1)
@example("dataset.params.noise.x", 1)
@example("model[99999999999].units", 1)
@example("a" * 5000, 1)
def test_any_key(key: str, value: int) -> None:
    try:
        GOOD.with_settings({key: value})
    except InputError as problem:
        refused(problem)


@pytest.mark.parametrize("path", [".", "nowhere.toml", "x" * 300])
def test_what_is_no_file(tmp_path: Path, path: str) -> None:
    with pytest.raises(InputError) as caught:
        load_experiment(f"{tmp_path}/{path}")
    refused(caught.value)
