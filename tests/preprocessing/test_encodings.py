from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from trialstack.preprocessing.curves import Spread, knots_of, normal_heights, uniform_heights
from trialstack.preprocessing.encodings import ENCODINGS, is_encoding, make_encoding


def column(*values):
    return np.array(values, np.float32)[:, None]


def encoded(name, X, n_numeric=None):
    model = make_encoding(name, X, X.shape[1] if n_numeric is None else n_numeric)
    return np.asarray(model(X))


def test_standard_by_hand():
    found = encoded("standard", column(2, 4, 4, 6))
    np.testing.assert_allclose(found[:, 0], [-np.sqrt(2), 0, 0, np.sqrt(2)], rtol=1e-6)


def test_standard_draws_in_a_long_tail():
    X = column(*range(30), 1e6)
    found = encoded("standard", X)[:, 0]
    bent = np.arcsinh((X[:, 0] - 15) / 15)  # median, and distance of the quartiles
    np.testing.assert_allclose(found, (bent - bent.mean()) / bent.std(), atol=1e-5)


def test_robust_by_hand():
    found = encoded("robust", column(0, 1, 2, 3, 4))
    scaled = np.array([-1, -0.5, 0, 0.5, 1])
    np.testing.assert_allclose(found[:, 0], scaled / np.sqrt(1 + scaled**2 / 9), rtol=1e-6)


def test_robust_keeps_outliers_within_three():
    found = encoded("robust", column(*range(100), 1e30, -1e30))
    assert np.abs(found).max() <= 3


def test_quantiles_become_those_of_a_normal_variable():
    X = np.random.default_rng(0).lognormal(size=(5000, 1)).astype(np.float32)
    found = encoded("quantile", X)[:, 0]
    shares = np.linspace(0.05, 0.95, 19)
    np.testing.assert_allclose(np.quantile(found, shares), norm.ppf(shares), atol=0.03)


def test_quantile_at_the_knots_is_exact():
    found = encoded("quantile", column(1, 2, 4, 8, 16))
    pieces = 4  # of five rows
    expected = norm.ppf([0.5 / pieces, 0.25, 0.5, 0.75, 1 - 0.5 / pieces])
    np.testing.assert_allclose(found[:, 0], expected, atol=1e-6)


def test_uniform_by_hand():
    found = encoded("uniform", column(1, 2, 4, 8, 16))
    np.testing.assert_allclose(found[:, 0], np.sqrt(3) * np.array([-1, -0.5, 0, 0.5, 1]), atol=1e-6)


def test_ple_by_hand():
    """Twenty rows make two bins, which meet at the median."""
    X = column(*range(21))
    found = encoded("ple", X)
    assert found.shape == (21, 2)
    np.testing.assert_allclose(found[[0, 5, 10, 15, 20]],
                               [[0, 0], [0.5, 0], [1, 0], [1, 0.5], [1, 1]], atol=1e-6)  # fmt: skip


def test_ple_is_closed_on_both_sides():
    model = make_encoding("ple", column(*range(21)), 1)
    assert np.asarray(model(column(-50, 500))).tolist() == [[0, 0], [1, 1]]


@pytest.mark.parametrize("name", ENCODINGS)
def test_only_the_numbers_are_changed(name):
    rng = np.random.default_rng(1)
    X = np.column_stack([rng.normal(size=(60, 3)), rng.integers(0, 2, (60, 4))]).astype(np.float32)
    found = encoded(name, X, 3)
    np.testing.assert_array_equal(found[:, -4:], X[:, -4:])
    np.testing.assert_array_equal(encoded(name, X, 0), X)
    np.testing.assert_allclose(found[:, :-4], encoded(name, X[:, :3]), atol=1e-6)


@pytest.mark.parametrize("name", ENCODINGS)
@pytest.mark.parametrize("scale", [1e-20, 1.0, 1e20])
def test_units_do_not_matter(name, scale):
    X = np.random.default_rng(2).gamma(2.0, size=(80, 2)).astype(np.float32)
    np.testing.assert_allclose(encoded(name, X * np.float32(scale)), encoded(name, X), atol=2e-4)


@pytest.mark.parametrize("name", ENCODINGS)
def test_columns_that_say_little(name):
    X = np.zeros((50, 4), np.float32)
    X[:, 1] = 3.0
    X[0, 2] = 1.0
    X[:, 3] = np.arange(50) % 2
    for some in (X, X[:, :2]):
        found = encoded(name, some)
        assert np.isfinite(found).all()
        assert np.abs(found).max() < 10


@pytest.mark.parametrize("name", ENCODINGS)
def test_a_single_row(name):
    assert np.isfinite(encoded(name, column(5))).all()


@pytest.mark.parametrize("name", ENCODINGS)
def test_other_rows_than_those_it_was_learned_from(name):
    X = np.random.default_rng(3).normal(size=(100, 3)).astype(np.float32)
    model = make_encoding(name, X, 3)
    whole = np.asarray(model(X))
    parts = [np.asarray(model(X[start : start + 7])) for start in range(0, 100, 7)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    assert not model.weights
    assert is_encoding(model)


def test_what_is_no_encoding():
    import keras

    assert not is_encoding(keras.Sequential())
    assert not is_encoding(keras.layers.ReLU(max_value=1.0))


@pytest.mark.parametrize("name", ENCODINGS)
def test_of_many_rows_a_sample_tells_enough(name, monkeypatch):
    X = np.random.default_rng(5).normal(size=(4000, 1)).astype(np.float32)
    whole = encoded(name, X)
    monkeypatch.setattr("trialstack.preprocessing.encodings.MOST_ROWS", 3000)
    found = encoded(name, X)
    assert not np.array_equal(found, whole)
    assert np.abs(found - whole).mean() < 0.05


def test_many_columns_have_fewer_bins():
    X = np.random.default_rng(4).normal(size=(200, 600)).astype(np.float32)
    assert encoded("ple", X).shape == (200, 600 * 3)


def test_knots_of_a_column_with_many_zeros():
    values = np.array([0] * 60 + list(range(1, 41)), np.float32)
    knots = knots_of(values, 10)
    assert knots.at[0] == 0
    assert knots.share[0] == pytest.approx(0.25)  # the mean of 0, 0.1, ..., 0.5
    assert (np.diff(knots.at) > 0).all()
    assert normal_heights(knots, 10)[0] == pytest.approx(norm.ppf(0.25))
    assert uniform_heights(knots, 10)[-1] == pytest.approx(np.sqrt(3))


def test_spread_of_a_column_whose_quartiles_are_equal():
    spread = Spread.of(np.array([[0], [0], [0], [0], [0], [0], [0], [5]], np.float32))
    assert (spread.middle.tolist(), spread.width.tolist()) == ([0.0], [2.5])
