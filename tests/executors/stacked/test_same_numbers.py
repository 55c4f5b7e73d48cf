"""The contract of the stack: every trial's numbers are those of `model.fit`."""

from __future__ import annotations

import keras
import keras_tuner
import numpy as np
import pytest

import trialstack
from trialstack.experiment import MLPSettings
from trialstack.hypermodels.weighted import WeightedMLPHyperModel
from trialstack.preprocessing.encodings import ENCODINGS, make_encoding
from trialstack.tracking.memory import MemoryTracker

ROWS, FEATURES, EPOCHS = 90, 5, 4


def dense(*widths, activation="relu", l1=0.0, l2=0.0, between=lambda: []):
    penalty = {"kernel_regularizer": keras.regularizers.L1L2(l1, l2)} if l1 or l2 else {}
    layers = [keras.Input((FEATURES,))]
    for width in widths:
        layers += [keras.layers.Dense(width, activation, **penalty), *between()]
    return layers


def binary(layers, optimizer, loss="binary_crossentropy", output="sigmoid", metrics=None):
    model = keras.Sequential([*layers, keras.layers.Dense(1, output)])
    metrics = metrics or [keras.metrics.AUC(name="auc"), "accuracy"]
    model.compile(optimizer, loss, metrics=metrics)
    return model


def functional(optimizer):
    inputs = keras.Input((FEATURES,))
    x = keras.layers.Normalization(mean=[0, 5, 0, -1, 0], variance=[1, 4, 0.25, 1, 9])(inputs)
    x = keras.layers.Dense(6)(x)
    x = keras.layers.LeakyReLU()(x)
    outputs = keras.layers.Activation("sigmoid")(keras.layers.Dense(1)(x))
    model = keras.Model(inputs, outputs)
    model.compile(optimizer, "binary_crossentropy", metrics=[keras.metrics.AUC(name="auc")])
    return model


def normalised(*widths):
    """Without biases before a normalisation: their gradient is zero but for rounding errors, of
    which Adam makes steps of full length, in `model.fit` as well as here.
    """
    layers = [keras.Input((FEATURES,))]
    for width in widths:
        layers += [
            keras.layers.Dense(width, use_bias=False),
            keras.layers.BatchNormalization(momentum=0.8),
            keras.layers.Activation("relu"),
        ]
    return binary(layers, Adam(0.01))


Adam, SGD = keras.optimizers.Adam, keras.optimizers.SGD
BINARY = {
    "narrow": lambda: binary(dense(4, 3), Adam(0.01)),
    "wide": lambda: binary(dense(11, 7), Adam(0.003)),
    "elastic net": lambda: binary(dense(6, 9, l1=1e-3, l2=1e-2), Adam(0.01)),
    "betas": lambda: binary(dense(8, 4), Adam(0.01, beta_1=0.7, beta_2=0.99)),
    "tanh, three layers": lambda: binary(dense(7, 5, 3, activation="tanh"), Adam(0.01)),
    "sigmoid, decay": lambda: binary(
        dense(9, 4, activation="sigmoid"), keras.optimizers.AdamW(0.01, weight_decay=0.05)
    ),
    "sigmoid, wider": lambda: binary(
        dense(5, 8, activation="sigmoid"), keras.optimizers.AdamW(0.02, weight_decay=0.01)
    ),
    "gelu, momentum": lambda: binary(
        dense(8, activation="gelu"), SGD(0.05, momentum=0.9, nesterov=True)
    ),
    "rmsprop": lambda: binary(dense(5), keras.optimizers.RMSprop(0.01)),
    "nadam": lambda: binary(dense(5), keras.optimizers.Nadam(0.01)),
    "batch normalisation": lambda: normalised(6, 5),
    "batch normalisation, wider": lambda: normalised(9, 7),
    "dropout": lambda: binary(dense(8, 6, between=lambda: [keras.layers.Dropout(0.3)]), Adam(0.01)),
    "dropout, wider": lambda: binary(
        dense(9, 12, between=lambda: [keras.layers.Dropout(0.5)]), Adam(0.01)
    ),
    "noise": lambda: binary(dense(7, between=lambda: [keras.layers.GaussianNoise(0.2)]), SGD(0.1)),
    "prelu": lambda: binary(dense(7, activation=None, between=lambda: [keras.layers.PReLU()]),
                            Adam(0.01)),
    "logits": lambda: binary(dense(6), Adam(0.01), output=None, metrics=["accuracy"],
                             loss=keras.losses.BinaryCrossentropy(from_logits=True)),
    "linear output": lambda: binary(dense(6), Adam(0.01), output=None, metrics=["accuracy"]),
    "smoothed": lambda: binary(dense(6), Adam(0.01),
                               loss=keras.losses.BinaryCrossentropy(label_smoothing=0.1)),
    "more metrics": lambda: binary(dense(6), Adam(0.01), metrics=[
        keras.metrics.AUC(curve="PR", name="pr_auc"), keras.metrics.Precision(name="precision"),
        keras.metrics.Recall(name="recall"), keras.metrics.BinaryAccuracy(name="right"),
    ]),
    "functional": lambda: functional(Adam(0.01)),
}  # fmt: skip


def many(layers, loss, metrics):
    model = keras.Sequential([*layers, keras.layers.Dense(3, "softmax")])
    model.compile(Adam(0.01), loss, metrics=metrics)
    return model


CATEGORICAL = {
    "narrow": lambda: many(dense(4), "categorical_crossentropy", ["accuracy"]),
    "wide": lambda: many(dense(9), "categorical_crossentropy", ["accuracy"]),
    "auc": lambda: many(dense(7), keras.losses.CategoricalCrossentropy(label_smoothing=0.1), [
        keras.metrics.AUC(multi_label=True, num_labels=3, name="auc")
    ]),
}  # fmt: skip
SPARSE = {
    "narrow": lambda: many(dense(4), "sparse_categorical_crossentropy", ["accuracy"]),
    "wide": lambda: many(dense(9, 5), "sparse_categorical_crossentropy", ["accuracy"]),
}


def histories(tmp_path, executor, variants, x, y, *, tracking=None, executions=1, **fit):
    """Runs all variants as trials of one search: variant -> finished entry of the journal."""

    def build(hp):
        return variants[hp.Choice("variant", sorted(variants))]()

    tuner = trialstack.RandomSearch(
        build,
        objective=keras_tuner.Objective("val_loss", "min"),
        max_trials=len(variants),
        seed=3,
        directory=tmp_path / executor,
        project_name="search",
        tracking=tracking,
        executor=executor,
        executions_per_trial=executions,
    )
    tuner.oracle._max_collisions = 10_000  # draw until every variant has come up
    arguments = {"epochs": EPOCHS, "batch_size": 32, "verbose": 0, "validation_split": 0.25} | fit
    tuner.search(x, y, **arguments)
    finished = {e["values"]["variant"]: e for e in tuner.journal.of("finished")}
    return tuner, finished


def assert_same(one_by_one, stacked):
    assert one_by_one.keys() == stacked.keys()
    values = beyond = 0
    for variant, expected in one_by_one.items():
        found = stacked[variant]
        assert found["history"].keys() == expected["history"].keys(), variant
        for name, series in expected["history"].items():
            # An AUC counts pairs: one that rounding turns round is worth 1 / 1,100 here.
            pairs = 1e-6 if "loss" in name else 2e-3
            np.testing.assert_allclose(
                found["history"][name], series, 2e-4, pairs, err_msg=f"{variant}: {name}"
            )
            a, b = np.array(found["history"][name]), np.array(series)
            values += a.size
            beyond += int((np.abs(a - b) > 1e-5 * np.abs(b)).sum())
        assert found["best_epoch"] == expected["best_epoch"], variant
        assert found["stopped_by"] == expected["stopped_by"], variant
    assert beyond <= max(2, 0.01 * values)


def test_binary_trials_of_every_kind(tmp_path, data):
    x, y, _ = data
    _, one = histories(tmp_path, "one-by-one", BINARY, x, y)
    tuner, stacked = histories(tmp_path, "stacked", BINARY, x, y)
    assert_same(one, stacked)
    assert tuner.execution_report.stacked == len(BINARY)
    assert tuner.executor.reasons == {}


@pytest.mark.parametrize("variants", [CATEGORICAL, SPARSE], ids=["categorical", "sparse"])
def test_multiclass_trials(tmp_path, data, variants):
    x, _, three = data
    y = keras.utils.to_categorical(three, 3) if variants is CATEGORICAL else three
    _, one = histories(tmp_path, "one-by-one", variants, x, y)
    tuner, stacked = histories(tmp_path, "stacked", variants, x, y)
    assert_same(one, stacked)
    assert tuner.execution_report.stacked == len(variants), tuner.executor.reasons


SOME = {name: BINARY[name] for name in ("narrow", "wide", "elastic net")}


@pytest.mark.parametrize(
    "fit",
    [
        {"shuffle": False},
        {"class_weight": {0: 1.0, 1: 3.0}},
        {"sample_weight": np.linspace(0.5, 2, ROWS).astype("f4")},
        {"batch_size": 20, "validation_batch_size": 7},
        {
            "epochs": 12,
            "callbacks": [
                keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.95),
                keras.callbacks.ReduceLROnPlateau("val_loss", 0.3, patience=1, min_delta=0.01),
                keras.callbacks.EarlyStopping("val_auc", patience=2, min_delta=0.005),
            ],
        },
        {"callbacks": [keras.callbacks.EarlyStopping("val_auc", mode="max", patience=1)]},
    ],
    ids=[
        "file order",
        "class weights",
        "sample weights",
        "batch sizes",
        "callbacks",
        "early stopping",
    ],
)
def test_arguments_of_fit(tmp_path, data, fit):
    x, y, _ = data
    _, one = histories(tmp_path, "one-by-one", SOME, x, y, **fit)
    tuner, stacked = histories(tmp_path, "stacked", SOME, x, y, **fit)
    assert_same(one, stacked)
    assert tuner.execution_report.stacked == len(SOME), tuner.executor.reasons


def test_a_trial_that_turns_nan_changes_no_other_by_a_bit(tmp_path, data):
    x, y, _ = data
    good = {"narrow": BINARY["narrow"], "wide": BINARY["wide"]}
    bad = {"zz": lambda: binary(dense(6, 6), Adam(1e30))}
    # The same seeds: the search that has the bad trial asks for it, too, and no earlier.
    tuner, with_bad = histories(tmp_path / "with", "stacked", good | bad, x, y)
    failed = [entry["reason"] for entry in tuner.journal.of("failed")]
    assert len(failed) == 1
    assert "became nan" in failed[0]
    assert tuner.executor.reasons == {}
    asked = {e["values"]["variant"]: e["number"] for e in tuner.journal.of("asked")}
    harmless = {"zz": lambda: binary(dense(6, 6), Adam(1e-3))}
    other, without = histories(tmp_path / "without", "stacked", good | harmless, x, y)
    assert {e["values"]["variant"]: e["number"] for e in other.journal.of("asked")} == asked
    for variant in good:
        assert with_bad[variant]["history"] == without[variant]["history"]


def test_best_weights_reproduce_the_best_epoch(tmp_path, data):
    x, y, _ = data
    border = 67  # of validation_split=0.25
    tuner, finished = histories(tmp_path, "stacked", BINARY, x, y)
    for trial in tuner.oracle.get_best_trials(10):
        model = tuner.load_model(trial)
        entry = finished[trial.hyperparameters.values["variant"]]
        loss = model.evaluate(x[border:], y[border:], verbose=0, return_dict=True)["loss"]
        assert loss == pytest.approx(entry["metrics"]["val_loss"], rel=1e-5)


@pytest.mark.slow
def test_several_executions_a_trial(tmp_path, data):
    x, y, _ = data
    variants = SOME | {"dropout": BINARY["dropout"]}
    _, one = histories(tmp_path, "one-by-one", variants, x, y, executions=2)
    tuner, stacked = histories(tmp_path, "stacked", variants, x, y, executions=2)
    assert_same(one, stacked)
    assert tuner.execution_report.stacked == len(variants), tuner.executor.reasons
    for variant, expected in one.items():
        # Of the mean of both executions' best epochs.
        found = stacked[variant]["metrics"]["val_loss"]
        assert found == pytest.approx(expected["metrics"]["val_loss"], rel=1e-4)
        assert found > min(stacked[variant]["history"]["val_loss"])


class Swish(keras.layers.Layer):
    def call(self, x):
        return x * keras.ops.sigmoid(x)


def test_what_cannot_be_stacked_runs_one_by_one_and_says_why(tmp_path, data):
    x, y, _ = data
    variants = {
        "a custom layer": lambda: binary(dense(4, activation=None, between=lambda: [Swish()]),
                                         Adam(0.01)),
        "clipped": lambda: binary(dense(4), Adam(0.01, clipnorm=1.0)),
        "narrow": BINARY["narrow"],
    }  # fmt: skip
    tuner, stacked = histories(tmp_path, "stacked", variants, x, y)
    assert stacked.keys() == variants.keys()
    report = tuner.execution_report
    assert (report.stacked, report.one_by_one) == (1, 2)
    assert report.reasons == {
        "a Swish layer": 1,
        "clipping by norm, accumulation or averaging in Adam": 1,
    }
    _, one = histories(tmp_path, "one-by-one", variants, x, y)
    assert_same(one, stacked)


def test_a_batch_size_tuned_in_fit_is_stacked(tmp_path, data):
    x, y, _ = data

    class Tuned(keras_tuner.HyperModel):
        def build(self, hp):
            return binary(dense(hp.Int("units", 3, 9)), Adam(0.01))

        def fit(self, hp, model, *args, **kwargs):
            size = hp.Choice("batch_size", [16, 32])
            return model.fit(*args, batch_size=size, **kwargs)

    found = {}
    for executor in ("one-by-one", "stacked"):
        tuner = trialstack.RandomSearch(
            Tuned(),
            objective=keras_tuner.Objective("val_loss", "min"),
            max_trials=4,
            seed=1,
            directory=tmp_path / executor,
            tracking=None,
            executor=executor,
        )
        tuner.search(x, y, validation_split=0.25, epochs=2, verbose=0)
        found[executor] = {e["trial_id"]: e for e in tuner.journal.of("finished")}
    assert tuner.execution_report.stacked == 4
    sizes = [entry["values"]["batch_size"] for entry in found["stacked"].values()]
    assert set(sizes) == {16, 32}
    assert_same(found["one-by-one"], found["stacked"])


def encoded(encoding, width):
    return binary([keras.Input((FEATURES,)), encoding, keras.layers.Dense(width, "relu")],
                  Adam(0.01))  # fmt: skip


def test_trials_with_different_encodings(tmp_path, data):
    x, y, _ = data
    made = {name: make_encoding(name, x, 4) for name in ENCODINGS}  # as if the last were 0 or 1
    variants = {
        name: lambda encoding=encoding, width=width: encoded(encoding, width)
        for width, (name, encoding) in enumerate(made.items(), start=3)
    }
    tracker = MemoryTracker()
    _, one = histories(tmp_path, "one-by-one", variants, x, y, epochs=2)
    tuner, stacked = histories(tmp_path, "stacked", variants, x, y, tracking=tracker, epochs=2)
    assert_same(one, stacked)
    assert tuner.execution_report.stacked == len(variants), tuner.executor.reasons
    for trial_id in tuner.oracle.trials:
        assert tracker[f"trial/{trial_id}"].images["boundary_final"]
    best = tuner.oracle.get_best_trials(1)[0]
    loss = tuner.load_model(best).evaluate(x[67:], y[67:], verbose=0, return_dict=True)["loss"]
    assert loss == pytest.approx(best.score, rel=1e-5)


def test_large_tables_are_encoded_piece_by_piece(tmp_path, data, monkeypatch):
    x, y, _ = data
    made = {name: make_encoding(name, x, 4) for name in ("quantile", "ple")}
    variants = {
        name: lambda encoding=encoding: encoded(encoding, 4) for name, encoding in made.items()
    }
    tracker = MemoryTracker()
    _, at_once = histories(tmp_path / "1", "stacked", variants, x, y, epochs=2)
    monkeypatch.setattr("trialstack.executors.stacked.feed.MOST_COPIED", 0)
    monkeypatch.setattr("trialstack.executors.stacked.feed.NUMBERS_OF_A_PIECE", 100)
    tuner, found = histories(tmp_path / "2", "stacked", variants, x, y, epochs=2, tracking=tracker)
    assert_same(at_once, found)
    assert tuner.execution_report.stacked == len(variants), tuner.executor.reasons
    for trial_id in tuner.oracle.trials:
        assert tracker[f"trial/{trial_id}"].images["boundary_final"]


def test_rows_are_encoded_once_for_all_trials_of_an_encoding(tmp_path, data, monkeypatch):
    x, y, _ = data
    encoding = make_encoding("ple", x, FEATURES)
    calls = []
    call = type(encoding).call
    monkeypatch.setattr(
        type(encoding),
        "call",
        lambda self, inputs, *args, **kwargs: (
            (
                calls.append(len(inputs))
                if self is encoding and keras.ops.is_tensor(inputs)
                else None
            )
            or call(self, inputs, *args, **kwargs)
        ),
    )
    variants = {str(width): lambda width=width: encoded(encoding, width) for width in (3, 4, 5)}
    histories(tmp_path, "stacked", variants, x, y)
    assert calls == [67, 23]  # training rows, validation rows


@pytest.mark.parametrize("n_classes", [2, 3])
def test_class_weight_as_a_hyperparameter(tmp_path, data, n_classes):
    x, y, three = data
    settings = MLPSettings.model_validate(
        {"units": [[3, 9]], "class_weight": ["none", "balanced"], "standardize": False}
    )
    hypermodel = WeightedMLPHyperModel(FEATURES, n_classes, settings)
    targets = hypermodel.encode_targets(y if n_classes == 2 else three)
    found = {}
    for executor in ("one-by-one", "stacked"):
        tuner = trialstack.RandomSearch(
            hypermodel,
            objective=keras_tuner.Objective("val_loss", "min"),
            max_trials=3,
            seed=1,
            directory=tmp_path / executor,
            tracking=None,
            executor=executor,
        )
        tuner.search(x, targets, validation_split=0.25, epochs=2, verbose=0)
        found[executor] = {e["trial_id"]: e for e in tuner.journal.of("finished")}
    assert tuner.execution_report.stacked == 3, tuner.executor.reasons
    chosen = [entry["values"]["class_weight"] for entry in found["stacked"].values()]
    assert set(chosen) == {"none", "balanced"}
    assert_same(found["one-by-one"], found["stacked"])


def test_pictures_are_computed_for_every_trial(tmp_path, data):
    x, y, _ = data
    tracker = MemoryTracker()
    # Trials end at different epochs, so that some of a stack are looked at without the others.
    stopping = keras.callbacks.EarlyStopping("val_auc", mode="max", patience=1)
    tuner, finished = histories(
        tmp_path, "stacked", SOME, x, y, tracking=tracker, epochs=12, callbacks=[stopping]
    )
    assert tuner.execution_report.stacked == len(SOME)
    assert len({entry["best_epoch"] for entry in finished.values()}) > 1
    for trial_id in tuner.oracle.trials:
        (picture,) = tracker[f"trial/{trial_id}"].images["boundary_final"].values()
        assert picture.startswith(b"\x89PNG")


def test_a_stack_that_breaks_leaves_its_trials_to_fit(tmp_path, data, monkeypatch, caplog):
    x, y, _ = data
    _, one = histories(tmp_path, "one-by-one", SOME, x, y)

    def out_of_memory(self):
        raise MemoryError("no room")

    monkeypatch.setattr("trialstack.executors.stacked.cohort.Cohort._epoch_rows", out_of_memory)
    tuner, found = histories(tmp_path, "stacked", SOME, x, y)
    assert_same(one, found)
    assert tuner.execution_report.reasons == {"their stack broke (MemoryError: no room)": len(SOME)}
    assert (
        "3 trials were trained one by one: their stack broke (MemoryError: no room)" in caplog.text
    )
    assert "Traceback" not in caplog.text, "in the debug log only"
