"""A model that is built to be looked at is, once it is needed, the one that Keras would build."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from keras.src.backend.common import global_state
from keras.src.backend.tensorflow.core import Variable
from keras.src.layers import layer as layer_module
from keras.src.models import sequential as sequential_module
from keras.src.models.functional import Functional

from trialstack.executors.deferred import DeferredModel, initial_value, many_builds
from trialstack.executors.stacked.chain import chain_of

Build = Callable[[], keras.Model]

COLUMNS = 4
X = np.random.default_rng(0).normal(size=(12, COLUMNS)).astype(np.float32)
Y = (X.sum(axis=1, keepdims=True) > 0).astype(np.float32)


def compiled(model: keras.Model, optimizer: Any = "sgd", metrics: Any = None) -> keras.Model:
    model.compile(optimizer, "binary_crossentropy", metrics=metrics, run_eagerly=True)
    return model


def sequential(*middle: keras.Layer) -> keras.Sequential:
    return keras.Sequential([keras.Input((COLUMNS,)), layers.Dense(3, "relu"), *middle, output()])


def output() -> keras.Layer:
    return layers.Dense(1, "sigmoid")


def added_one_by_one() -> keras.Model:
    model = keras.Sequential(name="added")
    model.add(keras.Input((COLUMNS,)))
    for width in (5, 3):
        model.add(layers.Dense(width, kernel_regularizer="l2"))
        model.add(layers.Dropout(0.25))
    model.add(output())
    model.pop()
    model.add(output())
    return compiled(model, "adam")


def shape_given_late() -> keras.Model:
    model = keras.Sequential([layers.Dense(3), output()])
    model.build((None, COLUMNS))
    return compiled(model)


def functional() -> keras.Model:
    inputs = keras.Input((COLUMNS,))
    wide = layers.Dense(4, "tanh")(inputs)
    narrow = layers.Dense(2, activity_regularizer="l1")(inputs)
    joined = layers.Concatenate()([wide, narrow])
    return compiled(keras.Model(inputs, output()(joined)), keras.optimizers.Adam(0.01))


def nested() -> keras.Model:
    inputs = keras.Input((COLUMNS,))
    encoder = keras.Sequential([keras.Input((COLUMNS,)), layers.Dense(2)], name="encoder")
    return compiled(keras.Model(inputs, output()(encoder(inputs))))


class Scaled(keras.Layer):
    """With what a user's own layer may have: a property, a list of layers, its own variables."""

    kind: str | None = None

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.factor = 2
        self.kind = "scaled"
        self.parts = [layers.Dense(2), layers.Dropout(0.5, seed=3)]
        self.more = {"noise": layers.GaussianNoise(0.1), "numbers": (1, 2)}
        self.seed_generator = keras.random.SeedGenerator(5)
        self.metric = keras.metrics.Mean(name="seen")

    @property
    def factor(self) -> float:
        return self._factor

    @factor.setter
    def factor(self, value: float) -> None:
        self._factor = value / 4

    def build(self, shape: tuple[int | None, ...]) -> None:
        self.scale = self.add_weight(shape=(shape[-1],), initializer="random_normal")
        self.count = self.add_weight(shape=(), dtype="int32", trainable=False)
        for part in self.parts:
            part.build((shape[0], shape[1] if isinstance(part, layers.Dense) else 2))

    def call(self, x: Any, training: bool = False) -> Any:
        for part in self.parts:
            x = part(x * self.factor * self.scale if part is self.parts[0] else x)
        return x


class Counted(keras.Layer):
    """Looks at every assignment."""

    def __setattr__(self, name: str, value: Any) -> None:
        vars(self).setdefault("_seen", []).append(name)
        super().__setattr__(name, value)

    def call(self, x: Any) -> Any:
        return x


class Subclassed(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.hidden = layers.Dense(3)
        self.last = output()

    def call(self, x: Any) -> Any:
        return self.last(self.hidden(x))


def subclassed() -> keras.Model:
    model = compiled(Subclassed())
    model(keras.Input((COLUMNS,)))
    return model


def computing() -> keras.Model:
    """Asks the model for a prediction while it is built."""
    model = compiled(sequential(), "adam")
    model.optimizer.learning_rate = float(keras.ops.mean(model(X)))
    return model


def summed_up() -> keras.Model:
    model = compiled(sequential())
    lines: list[str] = []
    model.summary(print_fn=lines.append)
    model.summary_of_it = "".join(lines)
    return model


def looked_into() -> keras.Model:
    model = compiled(sequential())
    model.shapes = [model.input_shape, model.output_shape, model.layers[0].output.shape]
    model.count = model.count_params()
    model.head = keras.Model(model.inputs, model.layers[0].output)
    return model


def weights_put() -> keras.Model:
    model = compiled(sequential(layers.BatchNormalization()))
    model.set_weights([2 * array for array in model.get_weights()])
    model.layers[0].bias.assign([1.0, 2.0, 3.0])
    return model


def frozen() -> keras.Model:
    model = sequential(layers.BatchNormalization())
    model.layers[0].trainable = False
    return compiled(model)


def half_precision() -> keras.Model:
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        return compiled(sequential())
    finally:
        keras.config.set_dtype_policy("float32")


def copied() -> keras.Model:
    return compiled(keras.models.clone_model(sequential(layers.Dropout(0.5))))


def normalization() -> keras.Layer:
    return layers.Normalization(mean=[0.0, 1.0, 2.0], variance=[1.0, 4.0, 9.0])


OPTIMIZERS: list[Callable[[], Any]] = [
    lambda: "adam",
    lambda: keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    lambda: keras.optimizers.AdamW(1e-2, weight_decay=0.1, clipnorm=1.0),
    lambda: keras.optimizers.RMSprop(keras.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)),
    lambda: keras.optimizers.Adam(use_ema=True, gradient_accumulation_steps=2),
    lambda: {"class_name": "Nadam", "config": {"learning_rate": 0.02}},
]
METRICS: list[Callable[[], Any]] = [
    lambda: ["accuracy", "AUC"],
    lambda: [keras.metrics.AUC(name="auc"), keras.metrics.BinaryAccuracy(name="accuracy")],
    lambda: [keras.metrics.Precision(), keras.losses.binary_crossentropy],
]

BUILDS: dict[str, Build] = {
    "sequential": lambda: compiled(sequential()),
    "not compiled": sequential,
    "added one by one": added_one_by_one,
    "shape given late": shape_given_late,
    "functional": functional,
    "nested": nested,
    "batch normalization": lambda: compiled(sequential(layers.BatchNormalization())),
    "dropout": lambda: compiled(sequential(layers.Dropout(0.5), layers.GaussianNoise(0.2))),
    "dropout of its own seed": lambda: compiled(sequential(layers.Dropout(0.5, seed=3))),
    "prelu": lambda: compiled(sequential(layers.PReLU("random_uniform"), layers.LeakyReLU())),
    "normalization": lambda: compiled(sequential(normalization())),
    "regularized": lambda: compiled(
        sequential(layers.Dense(2, kernel_regularizer=keras.regularizers.L1L2(0.1, 0.2)))
    ),
    "own layer": lambda: compiled(sequential(Scaled(name="own"))),
    "own setter": lambda: compiled(sequential(Counted())),
    "subclassed": subclassed,
    "computing": computing,
    "summed up": summed_up,
    "looked into": looked_into,
    "weights put": weights_put,
    "frozen": frozen,
    "half precision": half_precision,
    "copied": copied,
    **{
        f"optimizer {i}": lambda make=make: compiled(sequential(), make())  # type: ignore[misc]
        for i, make in enumerate(OPTIMIZERS)
    },
    **{
        f"metrics {i}": lambda make=make: compiled(sequential(), metrics=make())  # type: ignore[misc]
        for i, make in enumerate(METRICS)
    },
}


@pytest.fixture(params=BUILDS)
def build(request: pytest.FixtureRequest) -> Build:
    return BUILDS[request.param]


def fresh() -> None:
    """Where every trial begins."""
    keras.backend.clear_session(free_memory=False)
    keras.utils.set_random_seed(7)


def left_behind() -> tuple[Any, ...]:
    """Python's and NumPy's random states, and Keras' counts of names."""
    _, numbers, *rest = np.random.get_state()
    names = global_state.get_global_attribute("object_name_uids")
    return random.getstate(), np.asarray(numbers).tolist(), rest, dict(names)


def ordinary(build: Build) -> tuple[keras.Model, tuple[Any, ...]]:
    fresh()
    return build(), left_behind()


def ahead(build: Build) -> tuple[DeferredModel, tuple[Any, ...]]:
    fresh()
    return DeferredModel.of(build), left_behind()


def described(value: Any, depth: int = 0) -> Any:
    """An attribute of a layer, as far as two builds of one model must agree on it."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, list | tuple):
        return type(value).__name__, [described(item, depth + 1) for item in value]
    if isinstance(value, dict) and depth < 3:
        return type(value).__name__, {
            str(key): described(item, depth + 1) for key, item in value.items() if type(key) is str
        }
    if isinstance(value, keras.Variable):
        return value.path, value.dtype, tuple(value.shape), type(value._value).__name__
    if isinstance(value, keras.Layer):
        return type(value).__name__, value.name
    if type(value).__name__ == "TrackableReference":
        return value.name, type(value.ref).__name__
    return type(value).__name__


def attributes(layer: keras.Layer) -> dict[str, Any]:
    return {name: described(value) for name, value in vars(layer).items()}


def every_layer(model: keras.Model) -> list[keras.Layer]:
    """With the functional models inside of sequential ones."""
    found = list(model._flatten_layers())
    return found + [
        vars(layer)["_functional"] for layer in found if vars(layer).get("_functional") is not None
    ]


def seeds(model: keras.Model) -> list[list[int]]:
    return [
        np.asarray(generator.state).tolist()
        for layer in model._flatten_layers()
        for generator in layer._seed_generators
    ]


def test_the_same_model(build: Build) -> None:
    expected, expected_state = ordinary(build)
    deferred, state = ahead(build)
    assert state == expected_state
    model = deferred.realize()
    assert type(model) is type(expected)
    assert [weight.path for weight in model.weights] == [w.path for w in expected.weights]
    for ours, theirs in zip(model.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert seeds(model) == seeds(expected)
    if not isinstance(model, Subclassed):
        assert model.get_config() == expected.get_config()
    assert model.get_compile_config() == expected.get_compile_config()


def test_the_same_attributes_of_every_layer(build: Build) -> None:
    """TensorFlow's and Keras' records of what hangs on what are among them."""
    expected, _ = ordinary(build)
    model = ahead(build)[0].realize()
    for ours, theirs in zip(every_layer(model), every_layer(expected), strict=True):
        assert type(ours) is type(theirs)
        assert attributes(ours) == attributes(theirs)
    if model.compiled:
        for ours, theirs in zip(
            model.optimizer.variables, expected.optimizer.variables, strict=True
        ):
            assert described(ours) == described(theirs)
            np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
        assert set(vars(model.optimizer)) == set(vars(expected.optimizer))


def test_the_same_training(build: Build) -> None:
    histories = []
    for model in (ordinary(build)[0], ahead(build)[0].realize()):
        if not model.compiled:
            model.compile("sgd", "mse", run_eagerly=True)
        keras.utils.set_random_seed(1)
        histories.append(model.fit(X, Y, batch_size=6, verbose=0).history)
    assert histories[0] == histories[1]


def test_initial_values_without_variables(build: Build) -> None:
    expected = ordinary(build)[0].get_weights()
    deferred, _ = ahead(build)
    values = [initial_value(variable) for variable in deferred.model.weights]
    for ours, theirs in zip(values, expected, strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)


def test_a_chain_is_read_without_drawing_the_graph() -> None:
    build = BUILDS["regularized"]
    deferred, _ = ahead(build)
    found, whole = chain_of(deferred.model), chain_of(ordinary(build)[0])
    assert (found.before, found.kind) == (whole.before, whole.kind)
    assert deferred.model.inputs[0].shape == (None, COLUMNS)
    assert deferred.model.outputs[0].shape == (None, 1)
    assert type(vars(deferred.model)["_functional"]) is not Functional
    assert not any(isinstance(w._value, tf.Variable) for w in deferred.model.weights)


def patched() -> list[Any]:
    places = [
        (keras.Layer, "__setattr__"),
        (layer_module, "inspect"),
        (tf, "is_tensor"),
        (sequential_module, "Functional"),
        *((Variable, name) for name in ("_initialize", "_direct_assign", "_convert_to_tensor")),
    ]
    return [vars(owner)[name] for owner, name in places]


class TestAfterwards:
    def test_keras_is_as_before(self) -> None:
        before = patched()
        with many_builds():
            assert all(now is not then for now, then in zip(patched(), before, strict=True))
            DeferredModel.of(BUILDS["sequential"])
        assert patched() == before

    def test_also_after_an_exception(self) -> None:
        before = patched()

        def broken() -> keras.Model:
            sequential()
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            DeferredModel.of(broken)
        assert patched() == before
        assert isinstance(sequential().weights[0]._value, tf.Variable)

    def test_only_builds_put_anything_off(self) -> None:
        with many_builds():
            DeferredModel.of(BUILDS["sequential"])
            expected, _ = ordinary(BUILDS["sequential"])
        assert isinstance(expected.weights[0]._value, tf.Variable)
        assert type(vars(expected)["_functional"]) is Functional
        assert vars(expected.layers[0])["units"] == 3


def explicit(seed: int) -> keras.Model:
    """Random numbers that another thread cannot take away."""
    model = keras.Sequential([keras.Input((COLUMNS,))])
    for width in range(2, 9):
        initializer = keras.initializers.GlorotUniform(seed=seed + width)
        model.add(layers.Dense(width, kernel_initializer=initializer))
    return compiled(model, "adam")


def test_threads_at_once() -> None:
    """Two build ahead, and a third one builds what it trains."""
    expected = {seed: explicit(seed).get_weights() for seed in (10, 20, 30)}
    found: dict[int, list[Any]] = {}
    kinds: dict[int, Any] = {}
    barrier = threading.Barrier(3)

    def work(seed: int) -> None:
        for _ in range(5):
            barrier.wait(30)
            if seed == 30:
                model = explicit(seed)
                kinds[seed] = [type(weight._value) for weight in model.weights]
            else:
                deferred = DeferredModel.of(lambda: explicit(seed))
                kinds[seed] = [type(weight._value) for weight in deferred.model.weights]
                model = deferred.realize()
            assert type(vars(model)["_functional"]) is Functional
            found[seed] = model.get_weights()

    before = patched()
    threads = [threading.Thread(target=work, args=[seed]) for seed in expected]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert patched() == before
    for seed, weights in expected.items():
        for ours, theirs in zip(found[seed], weights, strict=True):
            np.testing.assert_array_equal(ours, theirs)
    assert set(kinds[10]) == set(kinds[20]) == {type(None)}
    assert all(issubclass(kind, tf.Variable) for kind in kinds[30])
