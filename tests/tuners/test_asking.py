"""What happens around every trial: it costs the same for the first and for the last."""

from __future__ import annotations

import collections
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import numpy as np
import pytest
import tensorflow as tf

from trialstack.tuners.active import NotedHyperParameters
from trialstack.tuners.journal import plain
from trialstack.tuners.replay import look_at_first, space_config, without_bookkeeping

TunerOf = Callable[..., Any]


class Drawing(keras_tuner.HyperModel):
    """Draws what it trains with; eager, so that no trial can be stacked."""

    def __init__(self, build: Callable[[Any], keras.Model]) -> None:
        super().__init__()
        self._build = build
        self.drawn: dict[int, list[tuple[float, float]]] = collections.defaultdict(list)

    def build(self, hp: Any) -> keras.Model:
        return self._build(hp)

    def fit(self, hp: Any, model: keras.Model, x: Any, y: Any, **arguments: Any) -> Any:
        self.drawn[hp.get("rate")].append((random.random(), np.random.random()))
        weights = np.random.random(len(x))
        return model.fit(x, y, sample_weight=weights, **arguments)


def test_a_fit_draws_the_same_when_it_is_described_and_when_it_trains(
    tuner_of: TunerOf, eager: Any, X: Any, y: Any, fit: dict[str, Any]
) -> None:
    hypermodel = Drawing(eager)
    tuner = tuner_of(hypermodel, executor="stacked")
    before = random.getstate(), np.random.get_state()[1].tolist()
    tuner.search(X, y, **fit)
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before
    assert len(hypermodel.drawn) == 3
    for described, trained in hypermodel.drawn.values():
        assert described == trained
    assert len({draws[0] for draws in hypermodel.drawn.values()}) == 3, "each trial's own"


@pytest.mark.parametrize("executor", ["stacked", "one-by-one"])
def test_a_trained_model_is_an_ordinary_one(
    tuner_of: TunerOf, eager: Any, X: Any, y: Any, fit: dict[str, Any], executor: str
) -> None:
    kinds: list[tuple[type, type]] = []

    class Looking(Drawing):
        def fit(self, hp: Any, model: keras.Model, *args: Any, **kwargs: Any) -> Any:
            kinds.append((type(vars(model)["_functional"]), type(model.weights[0]._value)))
            return model.fit(*args, **kwargs)

    tuner = tuner_of(Looking(eager), executor=executor)
    tuner.search(X, y, **fit)
    whole = [kind for kind in kinds if issubclass(kind[1], tf.Variable)]
    assert len(whole) == 3
    assert {kind[0].__name__ for kind in whole} == {"Functional"}
    best = tuner.get_best_models(1)[0]
    assert type(vars(best)["_functional"]).__name__ == "Functional"


def test_values_that_a_fit_names_are_asked_once(
    tuner_of: TunerOf, X: Any, y: Any, fit: dict[str, Any]
) -> None:
    """The oracle knows of a trial in training what it would know of one that has ended."""

    class Naming(keras_tuner.HyperModel):
        def build(self, hp: Any) -> keras.Model:
            units = hp.Choice("units", [2, 3])
            model = keras.Sequential(
                [keras.layers.Dense(units), keras.layers.Dense(1, activation="sigmoid")]
            )
            model.build((None, X.shape[1]))
            model.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
            return model

        def fit(self, hp: Any, model: keras.Model, *args: Any, **kwargs: Any) -> Any:
            return model.fit(*args, **kwargs, batch_size=hp.Choice("batch", [16, 32]))

    asked = []
    for executor in ("one-by-one", "stacked"):
        tuner = tuner_of(Naming(), trials=4, seed=4, executor=executor, project_name=executor)
        tuner.search(X, y, **{k: v for k, v in fit.items() if k != "batch_size"})
        assert len([*tuner.journal.of("finished")]) == 4
        trials = [tuner.oracle.trials[trial_id] for trial_id in tuner.oracle.start_order]
        asked.append([trial.hyperparameters.values for trial in trials])
    assert tuner.execution_report.stacked == 4
    assert len({tuple(values.items()) for values in asked[0]}) == 4
    assert asked[0] == asked[1]


def test_state_files_are_written_once_at_the_end(
    tuner_of: TunerOf, pretended: Any, tmp_path: Path
) -> None:
    tuner = tuner_of(pretended)
    folder = tmp_path / "project"
    there: list[bool] = []
    tuner.on_trial_end = lambda trial: (
        type(tuner).on_trial_end(tuner, trial),
        there.append((folder / "oracle.json").exists() or (folder / "tuner0.json").exists()),
    )
    tuner.search(verbose=0)
    assert there == [False] * 3
    assert (folder / "oracle.json").exists()
    assert (folder / "tuner0.json").exists()
    assert type(tuner.oracle.ongoing_trials) is dict
    assert not {"save", "_save_trial", "_check_consecutive_failures"} & set(vars(tuner.oracle))


def test_a_trial_that_ends_is_found_at_once(tuner_of: TunerOf, pretended: Any) -> None:
    oracle = tuner_of(pretended, trials=5).oracle
    pretended.build(oracle.hyperparameters)
    with without_bookkeeping(oracle):
        trials = [oracle.create_trial(f"tuner/{i}") for i in range(5)]
        look_at_first(oracle, "tuner/3")
        assert next(iter(oracle.ongoing_trials)) == "tuner/3"
        trials[3].status = "FAILED"
        oracle.end_trial(trials[3])
        assert list(oracle.ongoing_trials) == ["tuner/0", "tuner/1", "tuner/2", "tuner/4"]
        look_at_first(oracle, "tuner/3")  # gone, as after a hook that has ended it by itself
    look_at_first(oracle, "tuner/4")
    assert list(oracle.ongoing_trials) == ["tuner/0", "tuner/1", "tuner/2", "tuner/4"]


class TestHyperparameters:
    @pytest.fixture
    def drawn(self) -> keras_tuner.HyperParameters:
        hp = keras_tuner.HyperParameters()
        if hp.Choice("kind", ["deep", "wide"]) == "deep":
            with hp.conditional_scope("kind", ["deep"]):
                hp.Int("layers", 1, 5)
        hp.Float("rate", 0.1, 0.9, default=0.5)
        return hp

    def test_the_same(self, drawn: keras_tuner.HyperParameters) -> None:
        noted = NotedHyperParameters.of(drawn)
        assert noted.get_config() == drawn.get_config()
        assert noted.noted == set()
        assert noted.is_active("layers")
        assert noted.Float("rate", 0.1, 0.9) == 0.5
        assert noted.active_values() == {"rate": 0.5}

    def test_what_is_named_later_stays_there(self, drawn: keras_tuner.HyperParameters) -> None:
        before = drawn.get_config()
        noted = NotedHyperParameters.of(drawn)
        noted.Int("width", 1, 3)
        with noted.conditional_scope("kind", ["wide"]):
            noted.Int("layers", 1, 9)
        noted.values["rate"] = 0.7
        assert drawn.get_config() == before

    def test_only_what_is_new_in_a_space(self, drawn: keras_tuner.HyperParameters) -> None:
        whole = drawn.get_config()["space"]
        assert [space_config(drawn, known) for known in range(4)] == [
            whole[known:] for known in range(4)
        ]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (3, 3),
        (0.5, 0.5),
        ("text", "text"),
        (float("nan"), "NaN"),
        (float("-inf"), "-Infinity"),
        (np.float32("inf"), "Infinity"),
        (np.float32(0.25), 0.25),
        (np.int64(2), 2),
        (np.bool_(False), False),
        ((1, [np.int8(2), {"a": (np.nan,)}]), [1, [2, {"a": ["NaN"]}]]),
        (np.array([[1.5]]), [[1.5]]),
    ],
)
def test_as_json_has_it(value: Any, expected: Any) -> None:
    found = plain(value)
    assert found == expected
    assert type(found) is type(expected)
