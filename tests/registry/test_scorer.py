from __future__ import annotations

import hashlib
import json
import math
from decimal import Decimal
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException

from trialstack.registry import scorer


def sigmoid(z):
    return 1 / (1 + math.exp(-z))


@pytest.fixture(scope="module")
def load(tmp_path_factory):
    def load(model, classes, missing=()):
        folder = tmp_path_factory.mktemp("model")
        model.save(folder / "model.keras")
        schema = {
            "format": 1,
            "columns": [
                {"name": name, "dtype": "float64", "missing": name in missing} for name in "xy"
            ],
            "classes": classes,
            "model_sha256": hashlib.sha256((folder / "model.keras").read_bytes()).hexdigest(),
        }
        (folder / "schema.json").write_text(json.dumps(schema))
        artifacts = {"model": str(folder / "model.keras"), "schema": str(folder / "schema.json")}
        loaded = scorer.TableScorer()
        loaded.load_context(SimpleNamespace(artifacts=artifacts))
        return loaded

    return load


@pytest.fixture(scope="module")
def binary(load, sigmoid_model):
    return load(sigmoid_model, [0, 1])


@pytest.fixture(scope="module")
def three_classes(load, softmax_model):
    return load(softmax_model, ["blue", "green", "red"])


def predict(model, frame):
    return model.predict(None, frame)


def test_binary_by_hand(binary):
    scores = predict(binary, pd.DataFrame({"x": [1.0, -3.0], "y": [0.5, 0.5]}))
    assert list(scores.columns) == ["prediction", "probability_0", "probability_1"]
    assert scores["probability_1"].tolist() == pytest.approx([sigmoid(2), sigmoid(-2)], abs=1e-7)
    assert scores["probability_0"].tolist() == pytest.approx([sigmoid(-2), sigmoid(2)], abs=1e-7)
    assert scores["prediction"].tolist() == [1, 0]
    assert scores["prediction"].dtype == "int64"


def test_three_classes_by_hand(three_classes):
    scores = predict(three_classes, pd.DataFrame({"x": [2.0, -5.0], "y": [0.0, -5.0]}))
    assert list(scores.columns) == [
        "prediction",
        "probability_blue",
        "probability_green",
        "probability_red",
    ]
    total = math.exp(2) + 1 + 1
    assert scores.iloc[0, 1:].tolist() == pytest.approx(
        [math.exp(2) / total, 1 / total, 1 / total], abs=1e-6
    )
    assert scores["prediction"].tolist() == ["blue", "red"]


def test_column_order_extra_columns_and_index(binary):
    frame = pd.DataFrame({"x": [1.0, -3.0], "y": [0.5, 0.5]}, index=["b", "a"])
    shuffled = frame.assign(name="n", id=7)[["id", "y", "name", "x"]]
    pd.testing.assert_frame_equal(predict(binary, shuffled), predict(binary, frame))
    assert list(predict(binary, shuffled).index) == ["b", "a"]


def test_repeated_index_labels(binary):
    frame = pd.DataFrame({"x": [1.0, -3.0], "y": [0.5, 0.5]}, index=[4, 4])
    assert predict(binary, frame)["prediction"].tolist() == [1, 0]


@pytest.mark.parametrize(
    "values",
    [
        pd.Series([1, 0], dtype="int64"),
        pd.Series([1, 0], dtype="uint8"),
        pd.Series([True, False]),
        pd.Series([1.0, 0.0], dtype="float32"),
        pd.Series([1, 0], dtype="Int64"),
        pd.Series([True, False], dtype="boolean"),
        pd.Series([1, 0.0], dtype="object"),
        pd.Series([Decimal(1), Decimal(0)], dtype="object"),
        pd.Series([np.float32(1), True - 1], dtype="object"),
        pd.Series(["1", " 0.0 "]),
        pd.Series([1, 0], dtype="category"),
    ],
    ids=lambda values: str(values.dtype),
)
def test_numbers_of_any_type(binary, values):
    scores = predict(binary, pd.DataFrame({"x": values, "y": [0, 0]}))
    assert scores["probability_1"].tolist() == pytest.approx([sigmoid(1), 0.5], abs=1e-7)


@pytest.mark.parametrize(
    ("labels", "names", "dtype"),
    [
        ([False, True], ["probability_False", "probability_True"], "bool"),
        ([0.0, 1.0], ["probability_0", "probability_1"], "float64"),
        ([0.5, 1.5], ["probability_0.5", "probability_1.5"], "float64"),
        ([-1, 7], ["probability_-1", "probability_7"], "int64"),
    ],
)
def test_labels_keep_their_type(load, sigmoid_model, labels, names, dtype):
    scores = predict(load(sigmoid_model, labels), pd.DataFrame({"x": [-9, 9], "y": [0, 0]}))
    assert list(scores.columns) == ["prediction", *names]
    assert scores["prediction"].tolist() == labels
    assert scores["prediction"].dtype == dtype


def test_empty_frame(binary, three_classes):
    empty = pd.DataFrame({"x": [], "y": []})
    assert list(predict(binary, empty).columns) == ["prediction", "probability_0", "probability_1"]
    assert len(predict(three_classes, empty.astype(object))) == 0
    assert predict(binary, empty)["prediction"].dtype == "int64"


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (
            [1.0, None, None],
            "column 'y', row 1: missing (the training rows had none), and in 1 more row",
        ),
        (["1", "many", "3"], "column 'y', row 1: text 'many' stands where a number is wanted"),
        ([1.0, 2.0, float("nan")], "column 'y', row 2: missing (the training rows had none)"),
        ([1.0, "", 3], "column 'y', row 1: text '' stands where a number is wanted"),
        ([1.0, float("inf"), 3], "column 'y', row 1: infinite in float32"),
        (
            [1e300, float("inf"), -1e300],
            "column 'y', row 0: infinite in float32, and in 2 more rows",
        ),
        ([[1], 2, 3], "column 'y', row 0: [1] stands where a number is wanted"),
        (
            pd.to_datetime(["2020-01-01"] * 3).as_unit("ns"),
            "column 'y': holds datetime64[ns], where a number is wanted",
        ),
    ],
)
def test_values_that_are_refused(binary, column, message):
    with pytest.raises(MlflowException) as refusal:
        predict(binary, pd.DataFrame({"x": [1, 2, 3], "y": column}))
    assert str(refusal.value) == message
    assert refusal.value.error_code == "INVALID_PARAMETER_VALUE"


def test_missing_columns_are_named(binary):
    with pytest.raises(MlflowException, match=r"^missing column: y$"):
        predict(binary, pd.DataFrame({"x": [1]}))
    with pytest.raises(MlflowException, match=r"^missing columns: x, y$"):
        predict(binary, pd.DataFrame({"z": [1]}))


def test_a_model_that_yields_nan_is_refused(load, sigmoid_model):
    model = load(sigmoid_model, [0, 1], missing=["y"])
    with pytest.raises(MlflowException, match="the model gives no probability for 1 values"):
        predict(model, pd.DataFrame({"x": [1.0, 2.0], "y": [None, 1.0]}))


def test_chunks_give_what_one_pass_gives(binary, monkeypatch):
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(1000, 2)), columns=["x", "y"])
    whole = predict(binary, frame)
    monkeypatch.setattr(scorer, "ROWS_AT_ONCE", 17)
    np.testing.assert_allclose(
        predict(binary, frame)["probability_1"], whole["probability_1"], atol=1e-7
    )


def test_nothing_is_printed(binary, capfd):
    predict(binary, pd.DataFrame({"x": [1.0], "y": [0.5]}))
    assert capfd.readouterr().out == ""


def test_another_model_file_is_refused(tmp_path, sigmoid_model):
    sigmoid_model.save(tmp_path / "model.keras")
    schema = {"columns": [], "classes": [0, 1], "model_sha256": "0" * 64}
    (tmp_path / "schema.json").write_text(json.dumps(schema))
    artifacts = {"model": tmp_path / "model.keras", "schema": tmp_path / "schema.json"}
    with pytest.raises(MlflowException, match="digest mismatch"):
        scorer.TableScorer().load_context(SimpleNamespace(artifacts=artifacts))
