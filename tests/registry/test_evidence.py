from __future__ import annotations

import struct
from hashlib import blake2b

import numpy as np
import pytest

from trialstack.registry.evidence import Evidence, evidence_files, read_evidence, row_hashes


def test_a_hash_by_hand():
    packed = struct.pack("<2d", 1.0, -2.5)
    expected = int.from_bytes(blake2b(packed, digest_size=8).digest(), "little")
    assert row_hashes([[1, -2.5]]).tolist() == [expected]
    assert row_hashes([[1, -2.5]]).dtype == "uint64"


def test_equal_values_of_any_type_have_equal_hashes():
    assert row_hashes(np.array([[1, 0]], dtype="int32")) == row_hashes([[1.0, -0.0]])
    quiet, other = np.array([0x7FF8000000000000, 0xFFF8000000000001], dtype="uint64").view(
        "float64"
    )
    assert row_hashes([[quiet]]) == row_hashes([[other]])


def test_blocks_of_rows_make_no_difference(monkeypatch):
    X = np.random.default_rng(0).normal(size=(25, 3)).astype("float32")
    X[3, 1] = np.nan
    whole = row_hashes(X, ["c", "a", "b"])
    monkeypatch.setattr("trialstack.registry.evidence.ROWS_AT_ONCE", 10)
    assert row_hashes(X, ["c", "a", "b"]).tolist() == whole.tolist()


def test_the_input_is_not_changed():
    X = np.array([[-0.0, np.nan]])
    before = X.tobytes()
    row_hashes(X)
    assert X.tobytes() == before


def test_order_of_columns_counts_without_names_only():
    assert row_hashes([[1, 2]], ["a", "b"]) == row_hashes([[2, 1]], ["b", "a"])
    assert row_hashes([[1, 2]]) != row_hashes([[2, 1]])


def test_no_rows():
    assert row_hashes(np.empty((0, 3)), ["a", "b", "c"]).shape == (0,)


def evidence(**changes):
    facts = {
        "test_digest": "d" * 64,
        "feature_names": ("x", "y"),
        "classes": ("no", "yes"),
        "y_test": np.array([0, 1, 1]),
        "probabilities_test": np.array([[0.9, 0.1], [0.3, 0.7], [1 / 3, 2 / 3]]),
        "training_row_hashes": np.array([3, 2**63 + 1, 7], dtype="uint64"),
        "test_row_hashes": np.array([9, 1, 5], dtype="uint64"),
    }
    return Evidence(**(facts | changes))


@pytest.mark.parametrize("classes", [("no", "yes"), (0, 1), (0.5, 2.0), (False, True)])
def test_written_and_read_back(store, tmp_path, classes):
    run_id = store.new_run()
    for path, content in evidence_files(evidence(classes=classes)).items():
        folder, name = path.split("/")
        (tmp_path / name).write_bytes(content)
        store.client.log_artifact(run_id, tmp_path / name, folder)
    found = read_evidence(store.client, run_id)
    assert found.test_digest == "d" * 64
    assert found.feature_names == ("x", "y")
    assert [(type(label), label) for label in found.classes] == [
        (type(label), label) for label in classes
    ]
    np.testing.assert_array_equal(found.y_test, [0, 1, 1])
    np.testing.assert_array_equal(found.probabilities_test, evidence().probabilities_test)
    assert found.training_row_hashes.tolist() == [3, 7, 2**63 + 1]
    assert found.test_row_hashes.tolist() == [9, 1, 5]


def test_nothing_is_pickled():
    content = evidence_files(evidence())["evidence/evidence.npz"]
    assert b"pickle" not in content
    assert content.startswith(b"PK")


def test_a_run_without_evidence(store):
    assert read_evidence(store.client, store.new_run()) is None
    assert read_evidence(store.client, "0" * 32) is None


def test_an_unknown_format_is_no_evidence(store, tmp_path):
    run_id = store.new_run()
    files = evidence_files(evidence())
    files["evidence/evidence.json"] = b'{"format": 99}'
    for path, content in files.items():
        (tmp_path / path.split("/")[1]).write_bytes(content)
        store.client.log_artifact(run_id, tmp_path / path.split("/")[1], "evidence")
    assert read_evidence(store.client, run_id) is None
