"""What an experiment file can choose from, as literal tables.

A new algorithm, executor, kind of split or file format moves its name from `to_come` to `there`;
nothing else in this package changes.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """The values of a key that names something.

    Attributes:
        there: What this version has.
        to_come: What the documentation names and this version does not have.
    """

    there: tuple[str, ...]
    to_come: tuple[str, ...] = ()


ALGORITHMS = Options(there=("random",), to_come=("hyperband", "bayesian", "grid"))
EXECUTORS = Options(there=("auto", "one-by-one", "stacked"), to_come=("ray",))
SPLITS = Options(there=("stratified", "first", "time", "none"))
VALIDATIONS = Options(there=("stratified", "last"))
FINAL_EPOCHS = Options(there=("best", "run"))
MEMBER_CHOICES = Options(there=("all", "greedy"))
DIRECTIONS = Options(there=("max", "min"))
SAMPLINGS = Options(there=("linear", "log"))

FILE_FORMATS = Options(there=(".csv", ".csv.gz", ".parquet"))
"""Suffixes of a data set's `source` that are files; other sources are built-in names."""

COMMAND_OF_TABLE = {
    "model": "train",
    "hypermodel": "tune",
    "search": "tune",
    "final": "tune",
    "baseline": "tune",
}
"""Top-level tables that make a file one of a kind -> the command that runs this kind."""

ACTIVATIONS = Options(
    there=(
        "relu",
        "leaky_relu",
        "elu",
        "selu",
        "gelu",
        "silu",
        "mish",
        "tanh",
        "sigmoid",
        "softplus",
        "softsign",
    )
)
"""Keras' names of elementwise activations."""

OUTPUTS = Options(there=("sigmoid", "softmax", "linear"))
"""Activations of a fixed model's output layer."""

FIT_ROWS = Options(there=("train", "all"))
"""What a fixed model is fitted on."""

OPTIMIZERS = Options(
    there=(
        "adam",
        "adamw",
        "nadam",
        "adamax",
        "sgd",
        "rmsprop",
        "adagrad",
        "adadelta",
        "lion",
    )
)
"""Keras' names of its optimizers whose update of a weight depends on that weight alone."""

ENCODINGS = Options(there=("standard", "robust", "quantile", "uniform", "ple"))
"""What numbers are made of before a network takes them."""

CLASS_WEIGHTS = Options(there=("none", "balanced"))
"""What a row's class weighs in the loss: the same, or as much more as the class is rarer."""

MLP_METRICS = ("auc", "accuracy", "loss")
"""What the built-in MLP reports for an epoch; with validation rows each has a `val_` twin."""

DIRECTION_OF_METRIC = {
    "auc": "max",
    "accuracy": "max",
    "acc": "max",
    "precision": "max",
    "recall": "max",
    "f1": "max",
    "f1_score": "max",
    "loss": "min",
    "crossentropy": "min",
    "error": "min",
    "mse": "min",
    "mae": "min",
}
"""Which way is better, for metrics of this name or whose last words are this name."""


def direction_of(objective: str) -> str | None:
    """Which way of an objective is better, or None when its name does not tell.

    >>> direction_of("val_pr_auc"), direction_of("val_loss"), direction_of("val_profit")
    ('max', 'min', None)
    """
    name = objective.lower().removeprefix("val_")
    for metric, direction in DIRECTION_OF_METRIC.items():
        if name == metric or name.endswith(f"_{metric}"):
            return direction
    return None
