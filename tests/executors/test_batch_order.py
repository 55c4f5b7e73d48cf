from __future__ import annotations

import gc
import inspect
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from trialstack.executors.batch_order import (
    OrderedFit,
    bind_fit_arguments,
    epoch_order,
    validation_border,
)

SEED = 7
N = 10
X = np.arange(2 * N, dtype=np.float64).reshape(N, 2) / 10
Y = np.array([0, 1, 1, 0, 2, 0, 1, 2, 1, 0])
WEIGHT = np.linspace(0.5, 2.0, N)


class TestEpochOrder:
    def test_it_is_numpys_permutation_of_search_seed_and_epoch(self) -> None:
        for epoch in range(3):
            expected = np.random.default_rng([SEED, epoch]).permutation(N)
            np.testing.assert_array_equal(epoch_order(SEED, epoch, N), expected)

    def test_the_order_of_five_rows_never_changes(self) -> None:
        # Written down once: another stream of NumPy's would change every search.
        first, second = (epoch_order(42, epoch, 5).tolist() for epoch in range(2))
        assert (first, second) == ([4, 2, 3, 1, 0], [4, 0, 1, 2, 3])

    def test_the_global_state_is_neither_used_nor_changed(self) -> None:
        np.random.seed(1)
        first, state = epoch_order(SEED, 0, N), np.random.get_state()[1].tolist()
        np.random.seed(2)
        assert epoch_order(SEED, 0, N).tolist() == first.tolist()
        np.random.seed(1)
        assert np.random.get_state()[1].tolist() == state


class Watched(keras.Model):
    """Keeps every batch that it is trained on."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = keras.layers.Dense(1)
        object.__setattr__(self, "seen", [])

    def call(self, x: Any) -> Any:
        return self.dense(x)

    def train_step(self, data: Any) -> dict[str, float]:
        self.seen.append(keras.tree.map_structure(np.array, data))
        return {"loss": 0.0}


def watched() -> Watched:
    model = Watched()
    model.compile("sgd", "mse", run_eagerly=True)
    return model


def trained_on(*args: Any, **kwargs: Any) -> list[Any]:
    """The batches of a fit in the search's order."""
    model = watched()
    OrderedFit(SEED).attach(model)
    model.fit(*args, verbose=0, **kwargs)
    return list(model.seen)


def rows(batch: Any) -> list[int]:
    """Positions of a batch's rows in `X`."""
    return [round(value * 5) for value in batch[0][:, 0].tolist()]


def batches_of(order: np.ndarray, size: int) -> list[list[int]]:
    return [order[start : start + size].tolist() for start in range(0, len(order), size)]


class TestOrder:
    def test_rows_come_in_the_order_of_their_epoch_cut_into_batches(self) -> None:
        seen = trained_on(X, Y, batch_size=4, epochs=3)
        expected = [b for e in range(3) for b in batches_of(epoch_order(SEED, e, N), 4)]
        assert [rows(batch) for batch in seen] == expected
        assert [len(batch) for batch in expected] == [4, 4, 2] * 3
        for batch in seen:
            assert batch[1].tolist() == Y[rows(batch)].tolist()
            assert batch[0].dtype == np.float32

    def test_every_trial_gets_the_same_from_one_object(self) -> None:
        ordered, seen = OrderedFit(SEED), []
        for _ in range(3):
            model = watched()
            ordered.attach(model)
            model.fit(X, Y, batch_size=4, epochs=2, verbose=0)
            ordered.detach(model)
            seen.append([rows(batch) for batch in model.seen])
        assert seen[0] == seen[1] == seen[2]

    def test_other_batch_sizes_share_the_permutation(self) -> None:
        joined = [
            [row for batch in trained_on(X, Y, batch_size=size) for row in rows(batch)]
            for size in (1, 3, N, 100)
        ]
        assert joined == [epoch_order(SEED, 0, N).tolist()] * 4

    def test_the_default_batch_size_is_keras_own(self) -> None:
        many = np.arange(80.0).reshape(40, 2)
        assert [len(batch[0]) for batch in trained_on(many, many[:, 0])] == [32, 8]

    def test_initial_epoch_uses_the_orders_of_those_epochs(self) -> None:
        seen = trained_on(X, Y, batch_size=N, initial_epoch=2, epochs=4)
        assert [rows(batch) for batch in seen] == [
            epoch_order(SEED, epoch, N).tolist() for epoch in (2, 3)
        ]

    def test_validation_split_takes_the_last_rows_before_ordering(self) -> None:
        seen = trained_on(X, Y, batch_size=4, validation_split=0.25)
        assert [row for batch in seen for row in rows(batch)] == epoch_order(SEED, 0, 7).tolist()

    def test_weights_go_with_their_rows(self) -> None:
        for batch in trained_on(X, Y, batch_size=4, sample_weight=WEIGHT):
            np.testing.assert_array_equal(batch[2], WEIGHT[rows(batch)].astype(np.float32))

    def test_without_shuffling_rows_come_in_the_order_of_the_file(self) -> None:
        seen = trained_on(X, Y, batch_size=4, epochs=2, shuffle=False)
        assert [rows(batch) for batch in seen] == batches_of(np.arange(N), 4) * 2

    def test_training_on_x_alone_hands_over_x_alone(self) -> None:
        (batch,) = trained_on(X)
        assert isinstance(batch, np.ndarray)
        assert batch.shape == (N, 2)

    @pytest.mark.parametrize("kind", ["frame", "tensor", "float32"])
    def test_tables_and_tensors_are_ordered_like_arrays(self, kind: str) -> None:
        x = {
            "frame": pd.DataFrame(X, columns=["a", "b"], index=range(5, 5 + N)),
            "tensor": tf.constant(X),
            "float32": X.astype(np.float32),
        }[kind]
        seen = trained_on(x, pd.Series(Y) if kind == "frame" else Y, batch_size=4)
        assert [rows(batch) for batch in seen] == batches_of(epoch_order(SEED, 0, N), 4)


def network(inputs: int = 1, outputs: int = 3, names: tuple[str, ...] = ("out",)) -> keras.Model:
    """A small classifier, its weights always the same, of `(rows, 2)` inputs."""
    keras.utils.set_random_seed(3)
    given = [keras.Input((2,), name=f"in{i}") for i in range(inputs)]
    joined = keras.layers.Concatenate()(given) if inputs > 1 else given[0]
    heads = {
        name: keras.layers.Dense(outputs, activation="softmax", name=name)(joined) for name in names
    }
    one = len(names) == 1
    model = keras.Model(given if inputs > 1 else given[0], heads[names[0]] if one else heads)
    loss = "sparse_categorical_crossentropy"
    model.compile("sgd", loss if one else dict.fromkeys(names, loss), run_eagerly=True)
    return model


def fitted(fit: Callable[[keras.Model], Any], build: Callable[[], keras.Model] = network) -> Any:
    """History and weights of Keras' own fit, and of ours in the order of the file."""
    results = []
    for ordered in (False, True):
        model = build()
        if ordered:
            OrderedFit(SEED).attach(model)
        history = fit(model).history
        results.append((history, model.get_weights()))
    return results


def assert_equal(results: Any) -> None:
    (plain, plain_weights), (ours, our_weights) = results
    assert ours == plain
    for a, b in zip(our_weights, plain_weights, strict=True):
        np.testing.assert_array_equal(a, b)


FRAME = pd.DataFrame({"a": X[:, 0], "b": X[:, 1] > 1})
QUIET: dict[str, Any] = {"verbose": 0, "batch_size": 6, "shuffle": False}


class TestEqualsPlainFit:
    @pytest.mark.parametrize(
        "arguments",
        [
            {},
            {"batch_size": None},
            {"validation_split": 0.3},
            {"validation_split": 0.3, "validation_batch_size": 2},
            {"sample_weight": WEIGHT},
            {"sample_weight": WEIGHT, "validation_split": 0.3},
            {"sample_weight": pd.Series(WEIGHT), "validation_split": 0.3},
            {"class_weight": {0: 1.0, 1: 5.0, 2: 0.5}},
            {"class_weight": {0: 1.0, 1: 5.0}, "validation_split": 0.3},
            {"class_weight": {2: 3.0}},
            {"class_weight": {}},
            {"validation_data": (X[:3], Y[:3])},
            {"validation_data": (X[:3], Y[:3], WEIGHT[:3]), "validation_split": 0.9},
            {"validation_data": tf.data.Dataset.from_tensor_slices((X[:3], Y[:3])).batch(2)},
            {"initial_epoch": 1, "epochs": 3},
            {"validation_split": 0.3, "validation_freq": 2, "epochs": 3},
        ],
        ids=lambda arguments: ",".join(arguments) or "nothing",
    )
    def test_with_arguments(self, arguments: dict[str, Any]) -> None:
        assert_equal(fitted(lambda model: model.fit(X, Y, **(QUIET | arguments))))

    @pytest.mark.parametrize(
        ("x", "y"),
        [
            (X.astype(np.float32), Y),
            ((X * 10).astype(int), Y.astype(np.float64)),
            (X, Y[:, None]),
            (pd.DataFrame(X), pd.Series(Y)),
            (pd.DataFrame(X, index=np.arange(N) / 2), pd.DataFrame({"y": Y})),
            (FRAME, pd.Series(Y, index=list("abcdefghij"))),
            (tf.constant(X), tf.constant(Y)),
        ],
        ids=["float32", "integers", "column", "pandas", "indexed", "booleans", "tensors"],
    )
    def test_with_data(self, x: Any, y: Any) -> None:
        assert_equal(fitted(lambda model: model.fit(x, y, validation_split=0.3, **QUIET)))

    def test_with_one_hot_targets_and_class_weights(self) -> None:
        def build() -> keras.Model:
            model = network()
            model.compile("sgd", "categorical_crossentropy", run_eagerly=True)
            return model

        weights = {0: 1.0, 1: 5.0}
        one_hot = np.eye(3)[Y]
        assert_equal(
            fitted(lambda model: model.fit(X, one_hot, class_weight=weights, **QUIET), build)
        )

    @pytest.mark.parametrize("kind", [list, tuple, dict])
    def test_with_several_inputs(self, kind: type) -> None:
        inputs = (X, -X)
        x = dict(zip(("in0", "in1"), inputs, strict=True)) if kind is dict else kind(inputs)
        assert_equal(
            fitted(
                lambda model: model.fit(x, Y, validation_split=0.3, **QUIET),
                lambda: network(inputs=2),
            )
        )

    @pytest.mark.parametrize("weight", [None, WEIGHT, {"a": WEIGHT, "b": WEIGHT[::-1]}])
    def test_with_several_outputs(self, weight: Any) -> None:
        y = {"a": Y, "b": Y[::-1]}
        assert_equal(
            fitted(
                lambda model: model.fit(X, y, sample_weight=weight, **QUIET),
                lambda: network(names=("a", "b")),
            )
        )

    def test_with_positional_arguments(self) -> None:
        assert_equal(fitted(lambda model: model.fit(X, Y, 4, 2, 0, None, 0.3, None, False)))

    def test_with_a_model_that_is_built_at_the_first_batch(self) -> None:
        def build() -> keras.Model:
            keras.utils.set_random_seed(3)
            model = keras.Sequential([keras.layers.Dense(3, activation="softmax")])
            model.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=True)
            return model

        assert_equal(fitted(lambda model: model.fit(X, Y, **QUIET), build))

    def test_as_a_graph(self) -> None:
        def build() -> keras.Model:
            model = network()
            model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
            return model

        assert_equal(fitted(lambda model: model.fit(X, Y, validation_split=0.3, **QUIET), build))


class TestRefusals:
    @pytest.mark.parametrize(
        ("y", "arguments", "message"),
        [
            (np.zeros(N + 2), {}, "cardinality"),
            (np.zeros(N - 2), {}, "cardinality"),
            (Y, {"sample_weight": WEIGHT[:3]}, "cardinality"),
            (Y, {"sample_weight": WEIGHT, "class_weight": {0: 1.0}}, "sample_weight"),
            (Y, {"validation_split": 0.99}, "validation_split=0.99"),
            (Y.tolist(), {}, "Unrecognized data type"),
        ],
    )
    def test_what_keras_refuses_is_refused(
        self, y: Any, arguments: dict[str, Any], message: str
    ) -> None:
        model = network()
        OrderedFit(SEED).attach(model)
        with pytest.raises(ValueError, match=message):
            model.fit(X, y, **(QUIET | arguments))


class Handed:
    """Stands in for `keras.Model.fit`, and keeps what it is called with."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.call: tuple[tuple[Any, ...], dict[str, Any]] | None = None

        def fit(_: Any, *args: Any, **kwargs: Any) -> None:
            self.call = args, kwargs

        monkeypatch.setattr(keras.Model, "fit", fit)


class OwnBatches(keras.utils.PyDataset):
    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> Any:
        return X[:4], Y[:4]


def generator() -> Iterator[Any]:
    while True:
        yield X[:4], Y[:4]


class TestHandedOn:
    @pytest.mark.parametrize(
        ("x", "y", "arguments"),
        [
            (tf.data.Dataset.from_tensor_slices((X, Y)).batch(4), None, {}),
            (OwnBatches(), None, {"shuffle": False}),
            (generator(), None, {"steps_per_epoch": 2}),
            (X, Y, {"steps_per_epoch": 2, "class_weight": {0: 2.0}}),
            (tf.ragged.constant([[1.0], [1.0, 2.0]]), Y[:2], {}),
            (None, None, {}),
        ],
        ids=["dataset", "pydataset", "generator", "steps", "ragged", "nothing"],
    )
    def test_what_has_an_order_of_its_own_is_handed_on_as_it_came(
        self, monkeypatch: pytest.MonkeyPatch, x: Any, y: Any, arguments: dict[str, Any]
    ) -> None:
        handed = Handed(monkeypatch)
        model = network()
        OrderedFit(SEED).attach(model)
        model.fit(x, y, epochs=3, **arguments)
        assert handed.call is not None
        (given_x, given_y), given = handed.call
        assert given_x is x
        assert given_y is y
        assert given == {"epochs": 3, **arguments}

    def test_a_model_with_a_fit_of_its_own_keeps_it(self) -> None:
        class Own(Watched):
            def fit(self, *args: Any, **kwargs: Any) -> str:
                return "own"

        model = Own()
        OrderedFit(SEED).attach(model)
        assert model.fit(X, Y) == "own"
        assert "fit" not in vars(model)


class TestAttaching:
    def test_detaching_gives_keras_fit_back(self) -> None:
        model = network()
        ordered = OrderedFit(SEED)
        ordered.attach(model)
        assert model.fit != keras.Model.fit.__get__(model)
        ordered.detach(model)
        ordered.detach(model)
        assert model.fit == keras.Model.fit.__get__(model)

    def test_the_model_is_saved_as_without(self, tmp_path: Any) -> None:
        model = network()
        OrderedFit(SEED).attach(model)
        model.save(tmp_path / "model.keras")
        again = keras.models.load_model(tmp_path / "model.keras")
        assert again.count_params() == model.count_params()

    def test_data_of_an_earlier_fit_are_let_go(self) -> None:
        ordered, model = OrderedFit(SEED), watched()
        ordered.attach(model)
        gone = []
        for _ in range(3):
            own = X.copy()
            gone.append(weakref.ref(own))
            model.fit(own, Y, verbose=0)
            del own
        gc.collect()
        assert [reference() is None for reference in gone[:-1]] == [True, True]


def test_validation_border_is_that_of_keras() -> None:
    assert validation_border(426, 0.25) == 319
    assert validation_border(10, 0.3) == 7
    assert validation_border(3, 0.5) == 1
    with pytest.raises(ValueError, match="leaves no row on one side"):
        validation_border(3, 0.9)


def test_fit_arguments_are_named_as_keras_names_them() -> None:
    names = list(inspect.signature(keras.Model.fit).parameters)[1:]
    assert list(bind_fit_arguments(tuple(range(len(names))), {})) == names
    assert bind_fit_arguments((), {"verbose": 0}) == {"verbose": 0}
