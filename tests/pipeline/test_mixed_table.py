"""`trialstack tune` on a file of mixed columns, up to predictions of another file."""

from __future__ import annotations

import csv
import io
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest

from tests.pipeline.conftest import Place
from trialstack.experiment import Experiment
from trialstack.pipeline.data import Data

pytestmark = pytest.mark.slow

TUNE = """
name = "visits"

[dataset]
source = "rows.csv"
target = "level"
categorical = ["code"]

[hypermodel]
units = [[4, 16]]
encoding = ["standard", "robust", "quantile", "uniform", "ple"]
learning_rate = 0.01

[baseline]
units = [4]
epochs = 2
standardize = true

[search]
max_trials = 6
epochs = 6
seed = 2
class_weight = "balanced"
"""


def table(rows: int = 240) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    age = rng.normal(45, 15, rows).round()
    income = rng.lognormal(10, 1, rows)
    city = rng.choice(["Bern", "Lima", "Oslo"], rows, p=[0.5, 0.3, 0.2])
    score = (age - 45) / 15 + np.log(income) - 10 + 1.5 * (city == "Lima")
    return pd.DataFrame(
        {
            "age": pd.Series(age).mask(rng.random(rows) < 0.1),
            "income (EUR / year)": income,
            "city": pd.Series(city).mask(rng.random(rows) < 0.1),
            "code": [f"{number:03d}" for number in rng.integers(0, 4, rows)],
            "level": np.select([score > 1.2, score > -0.3], ["high", "middle"], "low"),
        }
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    place = Place(tmp_path_factory.mktemp("mixed"))
    place.write(TUNE)
    table().to_csv(place.folder / "rows.csv", index=False)
    return place


@pytest.fixture(scope="module")
def document(place: Place) -> dict[str, Any]:
    answer = place.tune()
    assert answer.code == 0, answer.err
    return answer.json


def test_all_trials_are_stacked_whatever_their_encoding(
    place: Place, document: dict[str, Any]
) -> None:
    assert document["trials"] == {"completed": 6, "failed": 0, "resumed": 0, "stacked": 6}
    trials = place.runs("trial", "visits")
    assert len({run.data.params["encoding"] for run in trials}) > 1
    assert document["best"]["hyperparameters"]["encoding"] in TUNE


def test_a_stranger_predicts_what_was_scored(place: Place, document: dict[str, Any]) -> None:
    from sklearn.metrics import roc_auc_score

    frame = pd.read_csv(place.folder / "rows.csv", dtype={"code": str})
    test = frame.iloc[Data.of(Experiment.load(place.folder / "experiment.toml")).split.test]
    mlflow.set_tracking_uri(place.uri)
    model = mlflow.pyfunc.load_model(document["model"]["uri"])
    scores = model.predict(test.sample(frac=1, axis=1, random_state=0))
    assert scores["prediction"].isin(["high", "low", "middle"]).all()
    said = scores[["probability_high", "probability_low", "probability_middle"]]
    auc = roc_auc_score(test["level"], said, multi_class="ovr")
    assert auc == pytest.approx(document["final"]["test"]["auc"], abs=1e-6)
    assert auc > 0.7


def test_importance_is_that_of_the_files_columns(place: Place, document: dict[str, Any]) -> None:
    content = place.read(document["final"]["run_id"], "importance.csv").decode()
    features = {row["feature"] for row in csv.DictReader(io.StringIO(content))}
    assert features == {"age", "income (EUR / year)", "city", "code"}


def test_predict_keeps_order_and_says_what_is_wrong(place: Place, document: dict[str, Any]) -> None:
    rows = table(50).drop(columns="level").assign(id=range(50))
    rows.loc[7, "city"] = "Atlantis"
    rows.to_csv(place.folder / "new.csv", index=False)
    answer = place.trialstack("predict", "visits", "new.csv", "-o", "out.csv", "--keep", "id")
    assert answer.code == 0, answer.err
    found = pd.read_csv(place.folder / "out.csv")
    assert found["id"].tolist() == list(range(50))
    model = mlflow.pyfunc.load_model(document["model"]["uri"])
    expected = model.predict(rows)["probability_high"]
    np.testing.assert_allclose(found["probability_high"], expected, atol=1e-6)

    rows.astype({"age": object}).replace({"age": {rows.loc[3, "age"]: "old"}}).to_csv(
        place.folder / "bad.csv", index=False
    )
    answer = place.trialstack("predict", "visits", "bad.csv")
    assert answer.code == 2
    line = "column 'age', row 4: text 'old' stands where a number is wanted; mend the cell, or"
    assert line in answer.err


def test_the_same_with_other_executors(place: Place, document: dict[str, Any]) -> None:
    answer = place.tune("--fresh", "--executor", "one-by-one")
    assert answer.code == 0, answer.err
    other = answer.json
    assert other["trials"]["stacked"] == 0
    assert other["best"]["score"] == pytest.approx(document["best"]["score"], rel=1e-4)
    assert other["best"]["hyperparameters"] == document["best"]["hyperparameters"]
