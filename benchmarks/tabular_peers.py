"""scikit-learn's classifiers for `tabular_quality.py`, each with the preprocessing it needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
from scipy.stats import loguniform, randint, uniform
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import RandomizedSearchCV, StratifiedKFold
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

DRAWS, FOLDS = 25, 3
"""Of the searches for hyperparameters."""

Peer = Callable[[pd.DataFrame, str, int], Any]
"""Features, the name of the score and a seed -> an estimator that is not fitted yet."""


def logistic_regression(X: pd.DataFrame, score: str, seed: int) -> Any:
    return _pipeline(X, LogisticRegression(max_iter=5_000))


def random_forest(X: pd.DataFrame, score: str, seed: int) -> Any:
    return _pipeline(X, RandomForestClassifier(500, random_state=seed, n_jobs=-1))


def boosting(X: pd.DataFrame, score: str, seed: int) -> Any:
    return HistGradientBoostingClassifier(random_state=seed)


def boosting_tuned(X: pd.DataFrame, score: str, seed: int) -> Any:
    space = {
        "learning_rate": loguniform(0.02, 0.3),
        "max_iter": [50, 100, 200],
        "max_leaf_nodes": randint(4, 48),
        "min_samples_leaf": randint(2, 60),
        "l2_regularization": loguniform(1e-3, 10),
        "max_features": uniform(0.3, 0.7),
    }
    return _tuned(HistGradientBoostingClassifier(random_state=seed), space, score, seed)


def mlp_tuned(X: pd.DataFrame, score: str, seed: int) -> Any:
    space = {
        "mlpclassifier__hidden_layer_sizes": [(32,), (64,), (128,), (64, 32), (128, 64)],
        "mlpclassifier__alpha": loguniform(1e-5, 10),
        "mlpclassifier__learning_rate_init": loguniform(5e-4, 2e-2),
        "mlpclassifier__early_stopping": [True, False],
    }
    return _tuned(_pipeline(X, MLPClassifier(random_state=seed)), space, score, seed)


PEERS: dict[str, Peer] = {
    "LogisticRegression": logistic_regression,
    "RandomForest": random_forest,
    "HistGradientBoosting": boosting,
    "HistGradientBoosting, tuned": boosting_tuned,
    "MLPClassifier, tuned": mlp_tuned,
}


def as_categories(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with a category type for text, by which boosting knows such columns."""
    texts = frame.select_dtypes(exclude=["number", "bool"]).columns
    return frame.astype(dict.fromkeys(texts, "category"))


def _pipeline(X: pd.DataFrame, classifier: Any) -> Pipeline:
    texts = X.select_dtypes("category").columns
    numbers = X.columns.difference(texts, sort=False)
    impute = SimpleImputer(strategy="median", add_indicator=True)
    # Categories of under five rows share a feature, as they do in trialstack.
    one_hot = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=5)
    columns = ColumnTransformer(
        [("numbers", make_pipeline(impute, StandardScaler()), numbers), ("texts", one_hot, texts)],
        sparse_threshold=0.0,
    )
    return make_pipeline(columns, classifier)


def _tuned(estimator: Any, space: dict[str, Any], score: str, seed: int) -> RandomizedSearchCV:
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    return RandomizedSearchCV(
        estimator, space, n_iter=DRAWS, scoring=score, cv=folds, random_state=seed
    )
