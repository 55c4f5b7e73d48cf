"""Experiment files with `[[model]]` tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from trialstack.errors import ExperimentError, InputError
from trialstack.experiment import Experiment, Ladder
from trialstack.experiment.load import load_experiment

ROOT = Path(__file__).parents[1]
CIRCLES = ROOT / "experiments" / "circles.toml"

RINGS: dict[str, Any] = {
    "name": "rings",
    "dataset": {"source": "circles", "split": "first", "test_size": 0.2},
    "model": [
        {"units": [], "epochs": [5, 200]},
        {"units": [4, 4], "epochs": 100, "sweep": {}},
        {"units": [4], "epochs": 3, "learning_rate": "model_2"},
    ],
}


def rings(**settings: Any) -> Ladder:
    return Ladder.from_dict(RINGS, "rings.toml").with_settings(settings)


def test_defaults() -> None:
    ladder = rings()
    first, swept, last = ladder.model
    assert [model.name for model in ladder.model] == ["model_01", "model_02", "model_03"]
    assert [ladder.order_of(model) for model in ladder.model] == ["01", "02", "03"]
    assert (ladder.seed, ladder.seeds, ladder.dataset.validation_size) == (42, 0, 0.0)
    assert first.epochs == (5, 200)
    assert (first.activations, last.activations, swept.activations) == (
        (),
        ("relu",),
        ("relu",) * 2,
    )
    assert (last.optimizer, last.output, last.batch_size, last.rows) == ("adam", None, 32, "train")
    assert swept.schedule is not None
    assert swept.schedule.rate(20) == pytest.approx(1e-3)
    assert ladder.sweep_of(last) is swept
    assert ladder.sweep_of(first) is None


def test_more_than_99_models_sort_as_text() -> None:
    ladder = Ladder.from_dict(RINGS | {"model": [{"units": [], "epochs": 1}] * 100})
    orders = [ladder.order_of(model) for model in ladder.model]
    assert orders == sorted(orders)
    assert (orders[0], orders[-1]) == ("001", "100")


@pytest.mark.parametrize("name", ["model_3", "model_03", "model_003"])
def test_a_model_is_chosen_by_its_number(name: str) -> None:
    assert [model.name for model in rings().chosen([name])] == ["model_03"]


def test_chosen_models_keep_the_order_of_the_file() -> None:
    chosen = rings().chosen(["model_03", "model_1", "model_3"])
    assert [model.name for model in chosen] == ["model_01", "model_03"]
    assert len(rings().chosen([])) == 3


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        rings().chosen(["modl_3"])
    assert str(caught.value) == (
        "--only modl_3: rings.toml has no such model; there are: model_01, model_02, model_03; "
        "did you mean 'model_03'?"
    )


WRONG: list[tuple[str, Any, str]] = [
    ("model", [], "'model': [] came; allowed: [[model]] tables, at least one"),
    ("model", {"units": []}, "write it as [[model]], with two brackets"),
    ("model[2]", 3, "'model[2]': 3 came; allowed: a table with the keys name, lesson, units, "),
    ("model[3].unitz", [3], "'model[3].unitz': no such key; allowed: "),
    ("model[3].units", [0], "'model[3].units': [0] came; allowed: a list of integers from 1"),
    ("model[1].epochs", [], "[] came; allowed: an integer from 1, or a list of them for training"),
    ("model[1].epochs", [5, 0], "[5, 0] came; allowed: an integer from 1, or a list"),
    ("model[3].activation", "rleu", "'rleu' came; allowed: one for all hidden layers or a list"),
    ("model[3].activation", ["relu"] * 2, "['relu', 'relu'] came; allowed: one for all hidden "),
    ("model[3].output", "sofmax", "'sofmax' came; allowed: sigmoid, softmax, linear; did you "),
    ("model[3].optimizer", "sdg", "'sdg' came; allowed: adam, "),
    ("model[3].rows", "some", "'model[3].rows': 'some' came; allowed: train, all"),
    ("model[3].l1", -1, "'model[3].l1': -1 came; allowed: a number from 0"),
    ("model[3].learning_rate", 0, "0 came; allowed: a number above 0, or the name of a model"),
    ("model[2].learning_rate", 0.1, "0.1 came; allowed: no such key beside a sweep"),
    ("model[2].sweep.stop", 1e-4, "'model[2].sweep': stop: 0.0001 came; give at least 0.001"),
    ("model[2].epochs", 3, "'model[2].sweep': epochs: 3 came; give an integer from 10"),
    ("model[2].sweep.stap", 1, "'model[2].sweep.stap': no such key; allowed: start, stop, seeds"),
    ("model[1].tutorial", {"loss": [1, 2, 3]}, "'model[1].tutorial.loss': [1.0, 2.0, 3.0] came"),
    ("model[1].outcome", [0.9, 0.5], "[0.9, 0.5] came; allowed: [low, high] with numbers from 0 "),
    ("model[1].expect", {"median": 2}, "'model[1].expect.median': 2 came; allowed: a number from"),
    ("model[1].expect", {"share": 0.5}, "{share = 0.5} came; allowed: {median = 0.9}, {accuracy"),
    ("model[1].expect", {"learning_rate": [0, 1]}, "allowed: median, or accuracy and share"),
    ("model[2].expect", {"median": 0.5}, "{median = 0.5} came; allowed: learning_rate with a sw"),
    ("seeds", -1, "'seeds': -1 came; allowed: an integer from 0"),
    ("search.epochs", 5, "'search': a file has either [[model]] tables, which 'trialstack train'"),
]


@pytest.mark.parametrize(("key", "value", "said"), WRONG)
def test_a_wrong_value_is_told_with_the_full_name_of_its_key(
    key: str, value: Any, said: str
) -> None:
    with pytest.raises(ExperimentError) as caught:
        rings(**{key: value})
    line = str(caught.value)
    assert said in line
    assert "\n" not in line
    assert "pydantic" not in line
    if "sweep" not in key and key != "model[2].epochs":
        assert line.startswith("command line: key '")


def test_a_model_of_the_file_is_told_with_the_file() -> None:
    with pytest.raises(ExperimentError, match=r"^rings\.toml: key 'model\[1\]\.epochs': 0 came"):
        Ladder.from_dict(RINGS | {"model": [{"units": [], "epochs": 0}]}, "rings.toml")


def test_two_models_of_one_name_are_refused() -> None:
    with pytest.raises(ExperimentError, match=r"'model\[3\]\.name': 'model_1' came; .* model\[1\]"):
        rings(**{"model[3].name": "model_1"})


def test_a_learning_rate_comes_from_a_sweep_before_it() -> None:
    said = "allowed: a number above 0, or the name of a model before it with a sweep: model_02"
    with pytest.raises(ExperimentError, match=said):
        rings(**{"model[3].learning_rate": "model_1"})
    said = "before it with a sweep, of which there is none"
    with pytest.raises(ExperimentError, match=said):
        rings(**{"model[1].learning_rate": "model_02"})


def test_a_model_that_is_not_there_cannot_be_set() -> None:
    with pytest.raises(ExperimentError, match=r"--set model\[4\]\.units: 'model' has 3 tables"):
        rings(**{"model[4].units": [3]})


def test_each_command_names_the_other_for_its_files() -> None:
    with pytest.raises(ExperimentError) as caught:
        Experiment.from_dict(RINGS, "my rings.toml")
    assert str(caught.value) == (
        "my rings.toml: key 'model': a file with [[model]] is not for 'trialstack tune'; run: "
        "trialstack train 'my rings.toml'"
    )
    search = {"name": "a", "dataset": RINGS["dataset"], "hypermodel": {"units": [4]}}
    with pytest.raises(ExperimentError, match=r"\[hypermodel\] is not .*; run: trialstack tune f$"):
        Ladder.from_dict(search, "f")
    for kind in (Experiment, Ladder):
        with pytest.raises(ExperimentError, match="a file has either"):
            kind.from_dict(search | RINGS, "f")


def test_files_of_either_kind_are_told_apart() -> None:
    assert type(load_experiment(CIRCLES)) is Ladder
    assert type(load_experiment(ROOT / "experiments" / "circles_search.toml")) is Experiment


def test_a_ladder_without_models_is_told_so_by_every_command(tmp_path: Path) -> None:
    empty = tmp_path / "empty.toml"
    empty.write_text('name = "a"\nseed = 1\nseeds = 5\n[dataset]\nsource = "circles"\n')
    for load in (load_experiment, Ladder.load):
        with pytest.raises(ExperimentError, match=r"key 'model': it is missing; add it, such as"):
            load(empty)


def test_the_ladder_of_the_tutorial() -> None:
    """Settings of section A of the circles tutorial."""
    models = Ladder.load(CIRCLES).model
    assert [model.units for model in models] == [(), (1,), (100, 10), (1,), (1,), *[(4, 4)] * 5]
    assert [sum(model.epochs) for model in models] == [205, *[100] * 6, 25, 100, 20]
    assert [model.rows for model in models] == ["all"] * 7 + ["train"] * 3
    assert [model.output for model in models] == ["linear"] * 6 + ["sigmoid"] * 4
    assert [model.optimizer for model in models] == ["sgd"] * 2 + ["adam"] * 8
    assert [model.learning_rate for model in models[7:]] == [0.01, None, "model_09"]
    assert {model.batch_size for model in models} == {32}
    assert all(model.lesson and model.expect for model in models)
