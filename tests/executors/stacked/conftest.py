from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture(scope="module")
def data():
    """Rows of five columns, their classes, and others of three."""
    rng = np.random.default_rng(7)
    x = (rng.normal(size=(90, 5)) * [1, 2, 0.5, 1, 3] + [0, 5, 0, -1, 0]).astype("f4")
    y = (x[:, 0] + 0.3 * x[:, 4] + 0.5 * rng.normal(size=90) > 0).astype("int64")
    three = np.clip(np.digitize(x[:, 0], [-0.5, 0.5]), 0, 2)
    return x, y, three
