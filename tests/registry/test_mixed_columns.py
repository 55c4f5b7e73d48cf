"""A model of numbers, truth values and categories, from its features to a stranger's frame."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException

from trialstack.datasets.columns import Column, Schema
from trialstack.preprocessing.fit import fit_preparation
from trialstack.registry.columns import input_schema
from trialstack.registry.fresh import verify
from trialstack.registry.package import log_model

ROWS = 60


@pytest.fixture(scope="module")
def schema():
    return Schema(
        (
            Column("city, country", "categorical", ("Bern", "Oslo"), has_missing=True),
            Column("age", has_missing=True, missing_texts=("-", "1_000", "?")),
            Column("paid", "boolean", has_missing=True),
            Column("floor", "categorical", ("1", "2"), is_integer=True),
            Column("size/m²"),
        )
    )


@pytest.fixture(scope="module")
def frame(schema):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "city, country": rng.choice(np.array(["Bern", "Oslo", None], dtype=object), ROWS),
            "age": rng.choice([20.0, 30.0, 50.0, np.nan], ROWS),
            "paid": rng.choice([0.0, 1.0, np.nan], ROWS),
            "floor": rng.choice(np.array(["1", "2"], dtype=object), ROWS),
            "size/m²": rng.normal(size=ROWS),
        }
    )
    assert tuple(frame) == schema.names
    return frame


@pytest.fixture(scope="module")
def preparation(schema, frame):
    return fit_preparation(schema, frame)


@pytest.fixture(scope="module")
def network(preparation):
    import keras

    keras.utils.set_random_seed(3)
    features = len(preparation.feature_names)
    return keras.Sequential([keras.Input((features,)), keras.layers.Dense(3, activation="softmax")])


@pytest.fixture(scope="module")
def place(new_store, tmp_path_factory):
    return new_store(tmp_path_factory.mktemp("mixed"))


@pytest.fixture(scope="module")
def logged(place, schema, frame, preparation, network):
    return log_model(
        place.client,
        run_id=place.new_run(),
        experiment_id=place.experiment_id,
        model=network,
        feature_names=schema.names,
        columns_with_missing=[column.name for column in schema if column.has_missing],
        preparation=preparation,
        classes=["a", "b", "c"],
        example_frame=frame,
    )


@pytest.fixture(scope="module")
def model(place, logged):
    import mlflow

    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(place.uri)
    try:
        return mlflow.pyfunc.load_model(logged.uri)
    finally:
        mlflow.set_tracking_uri(before)


@pytest.fixture(scope="module")
def expected(preparation, network, frame):
    return np.asarray(network(preparation.matrix(frame)), dtype=float)


def probabilities(model, frame):
    return model.predict(frame).iloc[:, 1:].to_numpy()


def test_a_fresh_process_gives_what_the_network_gave(process, place, logged, frame, expected):
    assert verify(process, logged.uri, place.uri, frame, expected) < 1e-6


def test_answers_have_one_column_a_class(model, frame, expected):
    scores = model.predict(frame)
    assert list(scores) == ["prediction", "probability_a", "probability_b", "probability_c"]
    assert scores["prediction"].tolist() == [list("abc")[k] for k in expected.argmax(axis=1)]


def as_objects(frame):
    return frame.astype(object).where(frame.notna(), None)


CHANGES = {
    "another order": lambda frame: frame[frame.columns[::-1]],
    "more columns": lambda frame: frame.assign(id="x", city="Rome"),
    "objects and None": as_objects,
    "truth values": lambda frame: frame.assign(
        paid=[None if np.isnan(value) else bool(value) for value in frame["paid"]]
    ),
    "truth values as text": lambda frame: frame.assign(
        paid=[None if np.isnan(value) else str(bool(value)) for value in frame["paid"]]
    ),
    "pandas' own types": lambda frame: frame.convert_dtypes(),
    "categories of pandas": lambda frame: frame.astype({"city, country": "category"}),
    "whole numbers": lambda frame: frame.assign(floor=frame["floor"].astype(int)),
    "whole numbers as floats": lambda frame: frame.assign(floor=frame["floor"].astype(float)),
    "whole numbers as they come": lambda frame: frame.assign(floor="0" + frame["floor"] + ".0"),
    "white space": lambda frame: frame.assign(
        **{"city, country": " " + frame["city, country"].astype(object) + "\t"}
    ),
    "text that stood for missing": lambda frame: as_objects(frame).fillna({"age": " ? "}),
    "the same, which Python takes for a number": lambda frame: as_objects(frame).fillna(
        {"age": "1_000"}
    ),
    "empty text for missing": lambda frame: frame.fillna({"city, country": ""}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_same_rows_in_another_form(model, frame, expected, change):
    found = probabilities(model, CHANGES[change](frame.copy()))
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_categories_that_training_lacked(model, frame, preparation, network):
    changed = frame.assign(**{"city, country": "Atlantis", "floor": 77})
    unknown = frame.assign(**{"city, country": "another", "floor": "3"})
    found = probabilities(model, changed)
    np.testing.assert_allclose(found, np.asarray(network(preparation.matrix(unknown))), atol=1e-6)


def test_integers_for_floats(model, frame):
    whole = frame.assign(**{"size/m²": np.arange(ROWS), "age": 30})
    np.testing.assert_array_equal(
        probabilities(model, whole), probabilities(model, whole.astype({"size/m²": float}))
    )


def test_rows_from_json(model, frame):
    rows = json.loads(frame.to_json(orient="records"))
    np.testing.assert_allclose(
        probabilities(model, pd.DataFrame(rows)), probabilities(model, frame), atol=1e-6
    )


def test_a_single_row_with_nothing_where_training_had_nothing(model):
    row = {"city, country": None, "age": None, "paid": None, "floor": 1, "size/m²": 2}
    assert len(model.predict(pd.DataFrame([row]))) == 1


def test_no_row(model, frame):
    assert model.predict(frame[:0]).shape == (0, 4)


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("age", ["old", 3], "column 'age', row 0: text 'old' stands where a number is wanted"),
        ("size/m²", [1, None], "column 'size/m²', row 1: missing (the training rows had none)"),
        ("floor", [None, 1], "column 'floor', row 0: missing (the training rows had none)"),
        ("paid", [1, 3], "column 'paid', row 1: 3 stands where true or false is wanted"),
        ("paid", ["true", "maybe"],
         "column 'paid', row 1: text 'maybe' stands where true or false is wanted"),
        ("size/m²", [np.inf, 1e39],
         "column 'size/m²', row 0: infinite in float32, and in 1 more row"),
    ],
)  # fmt: skip
def test_what_cannot_be_scored(model, frame, column, values, message):
    bad = frame[:2].assign(**{column: pd.Series(values, dtype=object)})
    with pytest.raises(MlflowException) as refusal:
        model.predict(bad)
    assert str(refusal.value) == message


def test_a_missing_column_is_named(model, frame):
    with pytest.raises(MlflowException, match=r"Model is missing inputs \['city, country'\]"):
        model.predict(frame.drop(columns="city, country"))


def test_the_example_and_the_signature_name_the_columns(model, schema):
    assert tuple(model.metadata.signature.inputs.input_names()) == schema.names
    assert tuple(model.input_example) == schema.names


def test_the_files_say_what_each_column_is(schema, preparation):
    found = input_schema(schema.names, ["age"], preparation)
    city, age, paid, floor, _ = found["columns"]
    assert age == {
        "name": "age",
        "dtype": "float64",
        "missing": True,
        "missing_texts": ["-", "1_000", "?"],
    }
    assert paid == {"name": "paid", "dtype": "bool", "missing": False}
    assert city["stand_in"] == "(missing)"
    assert (city["integer"], floor["integer"]) == (False, True)
    assert found["inputs"] == {
        "numbers": ["age", "size/m²", "paid"],
        "texts": ["city, country", "floor"],
    }


def test_a_preparation_of_other_features(place, schema, frame, preparation, network):
    import keras

    narrow = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, activation="softmax")])
    with pytest.raises(ValueError, match=r"takes 2 columns, \d+ are named"):
        log_model(
            place.client,
            run_id=place.new_run(),
            experiment_id=place.experiment_id,
            model=narrow,
            feature_names=schema.names,
            preparation=preparation,
            classes=["a", "b", "c"],
            example_frame=frame,
        )
