"""What looks like something that can be stacked: either the numbers are those of `model.fit`, or
the trial is left to it."""

from __future__ import annotations

import keras
import numpy as np

from tests.executors.stacked.test_same_numbers import (
    FEATURES,
    SGD,
    Adam,
    assert_same,
    binary,
    dense,
    histories,
)

Dense = keras.layers.Dense


class Doubled(keras.Sequential):
    def compute_loss(self, *args, **kwargs):
        return 2 * super().compute_loss(*args, **kwargs)


class BinaryCrossentropy(keras.losses.BinaryCrossentropy):
    def call(self, y_true, y_pred):
        return 3 * super().call(y_true, y_pred)


def doubled():
    model = Doubled([*dense(6), Dense(1, "sigmoid")])
    model.compile(Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
    return model


def excluding():
    optimizer = keras.optimizers.AdamW(0.01, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    return binary([keras.Input((FEATURES,)), Dense(6, bias_initializer="ones")], optimizer)


def changed(name, value):
    """A model whose kernel is set otherwise than its layer."""
    model = binary(dense(6), SGD(0.1))
    setattr(model.layers[0].kernel, name, value)
    return model


def own_loss_of_one(model):
    model.compute_loss = lambda *args, **kwargs: (
        0.5 * type(model).compute_loss(model, *args, **kwargs)
    )
    return model


def initialized(initializer, width=6):
    return binary(
        [keras.Input((FEATURES,)), Dense(width, "relu", kernel_initializer=initializer)],
        Adam(0.01),
    )


def prelu(width, **settings):
    layers = [keras.layers.PReLU(alpha_initializer="ones", **settings)]
    return binary(dense(width, activation=None, between=lambda: layers), Adam(0.01))


LEFT_TO_FIT = {
    "another loss of the model": doubled,
    "another loss of this model": lambda: own_loss_of_one(binary(dense(6), Adam(0.01))),
    "loss of the same name": lambda: binary(dense(6), Adam(0.01), BinaryCrossentropy()),
    "softmax of one": lambda: binary(dense(6), Adam(0.01), output="softmax"),
    "excluded from decay": excluding,
    "frozen kernel": lambda: changed("trainable", False),
    "constrained kernel": lambda: changed("constraint", keras.constraints.MaxNorm(0.5)),
    "something out of nothing": lambda: binary(
        dense(6, activation=None,
              between=lambda: [keras.layers.ReLU(negative_slope=0.1, threshold=1.0)]),
        SGD(0.1),
    ),
}  # fmt: skip
STACKED = {
    "clipped by value": lambda: binary(dense(4), Adam(0.01, clipvalue=0.001)),
    "clipped by value, wide": lambda: binary(dense(9), Adam(0.02, clipvalue=0.001)),
    "penalty of the kernel": lambda: changed("regularizer", keras.regularizers.L2(0.5)),
    "ftrl": lambda: binary(dense(4), keras.optimizers.Ftrl(0.05, l1_regularization_strength=0.01)),
    "ftrl, wide": lambda: binary(
        dense(9), keras.optimizers.Ftrl(0.1, l1_regularization_strength=0.01)
    ),
    "drawn by NumPy": lambda: initialized(lambda shape, dtype: np.random.normal(size=shape)),
    "drawn from a generator": lambda: initialized(
        keras.initializers.HeNormal(seed=keras.random.SeedGenerator(3))
    ),
    "slope of all": lambda: prelu(4, shared_axes=[1]),
    "slope of each": lambda: prelu(9),
}


def test_either_the_same_numbers_or_left_to_fit(tmp_path, data):
    x, y, _ = data
    variants = STACKED | LEFT_TO_FIT
    _, one = histories(tmp_path, "one-by-one", variants, x, y, epochs=3)
    tuner, found = histories(tmp_path, "stacked", variants, x, y, epochs=3)
    assert_same(one, found)
    assert {name for name, entry in found.items() if entry["stacked"]} == set(STACKED)
    assert tuner.executor.reasons.total() == len(LEFT_TO_FIT)


def of_classes(count, output="softmax", loss="sparse_categorical_crossentropy"):
    model = keras.Sequential([*dense(6), Dense(count, output)])
    model.compile(Adam(0.01), loss, metrics=["accuracy"])
    return model


def test_models_of_more_classes_than_there_are(tmp_path, data):
    x, _, three = data
    variants = {"three": lambda: of_classes(3), "five": lambda: of_classes(5)}
    _, one = histories(tmp_path, "one-by-one", variants, x, three)
    tuner, found = histories(tmp_path, "stacked", variants, x, three)
    assert_same(one, found)
    assert tuner.execution_report.stacked == 2


def test_outputs_of_another_loss(tmp_path, data):
    """Keras takes what is under the activation for the logits of the loss, whichever they are."""
    x, _, three = data
    variants = {
        "sigmoid": lambda: of_classes(3, "sigmoid", "categorical_crossentropy"),
        "softmax": lambda: of_classes(3, "softmax", "binary_crossentropy"),
    }
    y = keras.utils.to_categorical(three, 3)
    _, one = histories(tmp_path, "one-by-one", variants, x, y)
    tuner, found = histories(tmp_path, "stacked", variants, x, y)
    assert_same(one, found)
    assert tuner.execution_report.one_by_one == 2


def test_an_error_while_a_trial_is_read_is_told_in_its_words(tmp_path, data, monkeypatch):
    x, y, _ = data

    def unforeseen(*_):
        raise ValueError("a kernel of three axes\nand much more")

    monkeypatch.setattr("trialstack.executors.stacked.executor.plan_of", unforeseen)
    variants = {"any": lambda: binary(dense(4), SGD(0.1))}
    tuner, found = histories(tmp_path, "stacked", variants, x, y)
    assert set(found) == {"any"}
    reason = "ValueError: a kernel of three axes while it was looked at"
    assert tuner.execution_report.reasons == {reason: 1}


def test_labels_other_than_0_and_1(tmp_path, data):
    x, y, _ = data
    variants = {"narrow": lambda: binary(dense(4), SGD(0.1), metrics=["accuracy"])}
    _, one = histories(tmp_path, "one-by-one", variants, x, 2 * y - 1)
    _, found = histories(tmp_path, "stacked", variants, x, 2 * y - 1)
    assert_same(one, found)
    assert found["narrow"]["stacked"]


def test_what_keras_refuses_is_not_trained(tmp_path, data):
    x, y, _ = data
    variants = {
        "good": lambda: binary(dense(4), SGD(0.1)),
        "three outputs": lambda: of_classes(3, "sigmoid", "binary_crossentropy"),
    }
    tuner, found = histories(tmp_path, "stacked", variants, x, y)
    assert set(found) == {"good"}
    assert tuner.executor.reasons == {"targets of another shape than the outputs": 1}


def test_a_callback_that_refuses_some_models_fails_these(tmp_path, data):
    x, y, _ = data
    variants = {
        "auc": lambda: binary(dense(4), SGD(0.1)),
        "no auc": lambda: binary(dense(5), SGD(0.1), metrics=["accuracy"]),
    }
    stopping = [keras.callbacks.EarlyStopping("val_auc")]
    _, one = histories(tmp_path, "one-by-one", variants, x, y, callbacks=stopping)
    tuner, found = histories(tmp_path, "stacked", variants, x, y, callbacks=stopping)
    assert_same(one, found)
    assert set(found) == {"auc"}
    ((reason, count),) = tuner.executor.reasons.items()
    assert reason.startswith("their stack broke (ValueError: EarlyStopping callback received")
    assert count == 1


def test_a_schedule_that_raises_fails_its_trials(tmp_path, data):
    x, y, _ = data
    variants = {"good": lambda: binary(dense(4), SGD(0.1)), "bad": lambda: binary(dense(9), Adam())}

    def schedule(epoch, rate):
        if rate < 0.05:
            raise KeyError("no such rate")
        return rate

    callbacks = [keras.callbacks.LearningRateScheduler(schedule)]
    tuner, found = histories(tmp_path, "stacked", variants, x, y, callbacks=callbacks)
    assert set(found) == {"good"}
    assert [entry["values"]["variant"] for entry in tuner.journal.of("failed")] == ["bad"]
    assert tuner.executor.reasons == {"their stack broke (KeyError: 'no such rate')": 1}
