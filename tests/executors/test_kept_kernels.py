from __future__ import annotations

import threading
from collections.abc import Callable

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python import pywrap_tfe

from trialstack.executors.deferred import DeferredModel, many_builds
from trialstack.executors.kept_kernels import kept_kernels


@pytest.fixture
def cleared(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one each time that TensorFlow's kernels are thrown away."""
    tf.constant(0)  # before TensorFlow is used there are none
    times: list[int] = []
    clear = pywrap_tfe.TFE_ContextClearCaches

    def count(context: object) -> None:
        times.append(1)
        clear(context)

    monkeypatch.setattr(pywrap_tfe, "TFE_ContextClearCaches", count)
    return times


@tf.function
def _traced() -> tf.Tensor:
    return tf.random.uniform((3,), seed=5)


def _traced_now() -> tf.Tensor:
    return tf.function(lambda: tf.random.uniform((3,)), autograph=False)()


def _seeded() -> None:
    keras.backend.clear_session(free_memory=False)
    keras.utils.set_random_seed(1)


def test_seed_throws_kernels_away_elsewhere(cleared: list[int]) -> None:
    keras.utils.set_random_seed(1)
    assert len(cleared) == 1
    with kept_kernels():
        keras.utils.set_random_seed(1)
    keras.utils.set_random_seed(1)
    assert len(cleared) == 2


def test_ordinary_builds_keep_kernels(cleared: list[int]) -> None:
    def build() -> keras.Model:
        _seeded()
        model = keras.Sequential(
            [keras.Input((2,)), keras.layers.Dropout(0.5), keras.layers.Dense(3)]
        )
        model.compile("adam", "mse")
        return model

    with many_builds():
        models = [DeferredModel.of(build).realize() for _ in range(3)]
    assert cleared == []
    for model in models[1:]:
        np.testing.assert_array_equal(model.get_weights()[0], models[0].get_weights()[0])


@pytest.mark.parametrize(
    "draw",
    [
        lambda: tf.random.normal((3,)),
        lambda: tf.random.normal((3,), seed=2),
        _traced,
        _traced_now,
    ],
    ids=["seed of the program", "seed of its own", "traced before", "traced now"],
)
def test_random_operations_start_anew(draw: Callable[[], tf.Tensor], cleared: list[int]) -> None:
    _seeded()
    expected = [draw().numpy(), draw().numpy()]
    cleared.clear()
    for _ in range(2):
        with kept_kernels():
            _seeded()
            found = [draw().numpy(), draw().numpy()]
        np.testing.assert_array_equal(found, expected)
    assert len(cleared) == 2  # once a build, however much is drawn


def test_what_another_thread_throws_away_is_not_put_off(cleared: list[int]) -> None:
    with kept_kernels():
        thread = threading.Thread(target=keras.utils.set_random_seed, args=(1,))
        thread.start()
        thread.join()
    assert len(cleared) == 1
