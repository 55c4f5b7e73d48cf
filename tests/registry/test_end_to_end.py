"""From a trained network to a stranger's prediction: log, prove, register, load elsewhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import roc_auc_score

from trialstack.evaluation.comparison import compare_auc
from trialstack.registry.champion import Candidate, register
from trialstack.registry.evidence import Evidence, evidence_files, row_hashes
from trialstack.registry.fresh import verify
from trialstack.registry.loading import checked_version
from trialstack.registry.package import log_model
from trialstack.registry.reference import ModelReference

STRANGER = """
import json, sys
sys.modules["trialstack"] = None
import mlflow, pandas as pd
mlflow.set_tracking_uri(sys.argv[1])
model = mlflow.pyfunc.load_model("models:/breast-cancer@champion")
rows = pd.read_csv(sys.argv[2])
tables = {
    "plain": rows,
    "reversed": rows[rows.columns[::-1]],
    "extra": rows.assign(patient="P", age=50),
    "integers": rows.round().astype(int),
    "floats": rows.round(),
}
answers = {name: model.predict(table).to_dict("list") for name, table in tables.items()}
for name, table in {
    "array": rows.to_numpy(),
    "without": rows.drop(columns="mean area"),
    "text": rows.astype(object).assign(**{"mean area": "large"}),
}.items():
    try:
        model.predict(table)
    except mlflow.MlflowException as error:
        answers[name] = str(error)
answers["array as a frame"] = model.predict(
    pd.DataFrame(rows.to_numpy(), columns=model.metadata.signature.inputs.input_names())
).to_dict("list")
print(json.dumps(answers))
"""


@pytest.fixture
def registered(store, process, tmp_path):
    """A registered breast-cancer model with text labels: `(test rows, expected probabilities)`."""
    import keras

    data = load_breast_cancer(as_frame=True)
    X, y = data.data, 1 - data.target.to_numpy()  # malignant is the second class
    train, test = X[:426], X[426:]
    normalization = keras.layers.Normalization()
    normalization.adapt(train.to_numpy("float32"))
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [keras.Input((30,)), normalization, keras.layers.Dense(1, activation="sigmoid")]
    )
    model.compile(keras.optimizers.Adam(0.02), loss="binary_crossentropy")
    model.fit(train.to_numpy("float32"), y[:426], epochs=15, batch_size=96, verbose=0)
    second = model.predict(test.to_numpy("float32"), verbose=0)[:, 0].astype("float64")

    run_id = store.new_run()
    reference = log_model(
        store.client,
        run_id=run_id,
        experiment_id=store.experiment_id,
        model=model,
        feature_names=list(X.columns),
        classes=["benign", "malignant"],
        example_frame=train,
    )
    assert verify(process, reference.uri, store.uri, test, second) < 1e-6
    evidence = Evidence(
        test_digest="d",
        feature_names=tuple(X.columns),
        classes=("benign", "malignant"),
        y_test=y[426:],
        probabilities_test=np.column_stack([1 - second, second]),
        training_row_hashes=row_hashes(train, X.columns),
        test_row_hashes=row_hashes(test, X.columns),
    )
    for path, content in evidence_files(evidence).items():
        (tmp_path / path.split("/")[1]).write_bytes(content)
        store.client.log_artifact(run_id, tmp_path / path.split("/")[1], "evidence")
    candidate = Candidate(
        model=reference,
        run_id=run_id,
        search_id="s",
        search_run_id="r",
        data_digest="d",
        test_auc=roc_auc_score(y[426:], second),
        evidence=evidence,
    )
    assert candidate.test_auc > 0.98
    found = register(store.client, "breast-cancer", candidate, compare=compare_auc)
    assert found.alias == "champion"
    version_uri = found.uri
    assert verify(process, version_uri, store.uri, test, second) < 1e-6
    # As the champion is scored when a later model is compared with it: from a checked copy.
    with checked_version(store.client, ModelReference.parse(version_uri)) as champion:
        assert verify(process, str(champion.folder), store.uri, test, second) < 1e-6
    return test, second


def test_a_stranger_loads_the_champion(registered, store, tmp_path):
    test, second = registered
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    test.to_csv(tmp_path / "rows.csv", index=False)
    done = subprocess.run(
        [sys.executable, "-P", "-c", STRANGER, store.uri, str(tmp_path / "rows.csv")],
        cwd=elsewhere,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout)

    plain = answers["plain"]
    assert list(plain) == ["prediction", "probability_benign", "probability_malignant"]
    np.testing.assert_allclose(plain["probability_malignant"], second, atol=1e-6)
    expected = np.where(second > 0.5, "malignant", "benign")
    assert plain["prediction"] == expected.tolist()
    for name in ("reversed", "extra", "array as a frame"):
        pd.testing.assert_frame_equal(pd.DataFrame(answers[name]), pd.DataFrame(plain))
    assert answers["integers"] == answers["floats"]

    assert "Model is missing inputs" in answers["array"]
    assert "'mean area'" in answers["without"]
    assert answers["text"] == (
        "column 'mean area', row 0: text 'large' stands where a number is wanted"
    )
    assert list(elsewhere.iterdir()) == []
