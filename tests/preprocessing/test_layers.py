"""The matrix of all rows and the layers inside the registered model are the same."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from trialstack.datasets.columns import Column, Schema
from trialstack.preprocessing.encodings import make_encoding
from trialstack.preprocessing.fit import fit_preparation
from trialstack.preprocessing.layers import preparation_model, with_preparation
from trialstack.registry.stock import stock_config

STRANGE = (
    "[UNK]",
    "",
    " a",
    "a",
    "ä",
    "a,b",
    '"',
    "\t",
    "nan",
    "None",
    "(missing)",
    "日本",
    "A" * 300,
)


def inputs_of(preparation, frame):
    """What the scorer gives the model."""
    inputs = {}
    if preparation.numbers:
        columns = [frame[column.name] for column in preparation.numbers]
        inputs["numbers"] = np.stack(columns, axis=1).astype(np.float32)
    if preparation.texts:
        columns = [frame[column.name].fillna(column.missing) for column in preparation.texts]
        inputs["texts"] = np.stack(columns, axis=1).astype(object)
    return inputs


def by_layers(model, preparation, frame):
    return np.asarray(model(inputs_of(preparation, frame), training=False))


def test_by_hand(schema, frame):
    preparation = fit_preparation(schema, frame)
    expected = [
        # age, size, paid, age missing, paid missing, another city, Oslo
        [1, 0, 1, 0, 0, 0, 1],
        [9, 1, 1, 1, 0, 0, 1],
        [3, 2, 1, 0, 1, 0, 1],
        [9, 5, 0, 0, 0, 1, 0],
        [11, 6, 1, 0, 0, 1, 0],
    ]
    rows = frame.iloc[[0, 1, 2, 5, 6]]
    assert preparation.matrix(rows).tolist() == expected
    assert preparation.matrix(rows).dtype == np.float32
    assert by_layers(preparation_model(preparation), preparation, rows).tolist() == expected


def random_table(seed, rows=400):
    """Columns of all kinds and scales, with gaps, and categories that training rows lack."""
    rng = np.random.default_rng(seed)

    def gaps(values):
        return pd.Series(values).mask(rng.random(rows) < rng.choice([0, 0.1, 0.6]))

    frame = pd.DataFrame(
        {
            "tiny / α": gaps(rng.normal(size=rows) * 1e-12),
            "strange": gaps(rng.choice(np.array(STRANGE, dtype=object), rows)).astype(object),
            "huge": gaps(rng.normal(size=rows) * 1e30),
            "flag": gaps(rng.integers(0, 2, rows).astype(float)),
            "zip": gaps(np.array([f"z{k}" for k in rng.integers(0, 90, rows)], dtype=object)),
            "constant": np.full(rows, 7.0),
            "skewed": gaps(rng.pareto(1.0, rows)),
            "code": np.array([str(k) for k in rng.integers(0, 3, rows)], dtype=object),
        }
    )
    texts = {"strange", "zip", "code"}
    for name in texts:
        frame[name] = frame[name].astype(object).where(frame[name].notna(), None)
    kinds = {"flag": "boolean", **dict.fromkeys(texts, "categorical")}
    columns = [
        Column(
            name,
            kinds.get(name, "numeric"),
            tuple(sorted(set(frame[name].dropna()))) if name in texts else (),
        )
        for name in frame
    ]
    return Schema(tuple(columns)), frame


@pytest.mark.parametrize("seed", range(4))
def test_matrix_and_layers_are_equal(seed):
    schema, frame = random_table(seed)
    preparation = fit_preparation(schema, frame[:150])
    matrix = preparation.matrix(frame)
    model = preparation_model(preparation)
    assert matrix.shape == (400, len(preparation.feature_names))
    assert np.isfinite(matrix).all()
    np.testing.assert_array_equal(by_layers(model, preparation, frame), matrix)


def test_some_rows_give_the_same_as_all(schema):
    schema, frame = random_table(9)
    preparation = fit_preparation(schema, frame)
    np.testing.assert_array_equal(preparation.matrix(frame[7:30]), preparation.matrix(frame)[7:30])


def test_each_category_sets_one_feature_or_another_and_its_hash():
    schema, frame = random_table(1)
    preparation = fit_preparation(schema, frame[:150])
    matrix = preparation.matrix(frame)
    for raw, places in zip(preparation.columns, preparation.sources, strict=True):
        if schema[raw].kind == "categorical":
            text = next(text for text in preparation.texts if text.name == raw)
            own = 1 + len(text.vocabulary)
            slots = matrix[:, places]
            assert (slots[:, :own].sum(axis=1) == 1).all()
            if text.bins:
                np.testing.assert_array_equal(slots[:, own:].sum(axis=1), slots[:, 0])


@pytest.mark.parametrize("kinds", ["numeric", "boolean", "categorical"])
def test_tables_of_one_kind(kinds):
    schema, frame = random_table(3)
    columns = schema.of_kind(kinds)
    preparation = fit_preparation(Schema(columns), frame)
    frame = frame[[column.name for column in columns]]
    model = preparation_model(preparation)
    assert len(model.inputs) == 1
    np.testing.assert_array_equal(by_layers(model, preparation, frame), preparation.matrix(frame))


def test_the_whole_model_is_one_file_of_stock_parts(tmp_path):
    import keras

    schema, frame = random_table(2)
    preparation = fit_preparation(schema, frame)
    matrix = preparation.matrix(frame)
    network = keras.Sequential(
        [
            keras.Input((matrix.shape[1],)),
            make_encoding("ple", matrix, preparation.n_numeric),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )
    whole = with_preparation(preparation, network)
    stock_config(whole)
    whole.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", compile=False, safe_mode=True)
    found = by_layers(loaded, preparation, frame)
    np.testing.assert_allclose(found, np.asarray(network(matrix)), atol=1e-6)
