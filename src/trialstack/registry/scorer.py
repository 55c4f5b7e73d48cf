"""Turns raw rows into labels and probabilities, wherever the model is loaded.

This file travels inside every logged model as plain source (MLflow's models-from-code) and runs
where only MLflow and the model's own requirements are installed. It therefore imports nothing of
the package that wrote it. Beside it lie two artifacts: `model`, a `.keras` file made of stock
layers, and `schema`, a JSON object:

    {"format": 1,
     "columns": [{"name": "age", "dtype": "float64", "missing": true, "missing_texts": ["?"]},
                 {"name": "city", "dtype": "string", "missing": true, "stand_in": "(missing)",
                  "integer": false, "trimmed": true}],
     "inputs": {"numbers": ["age"], "texts": ["city"]},
     "classes": ["benign", "malignant"],
     "model_sha256": "..."}

`columns` have the data type `float64`, `bool` or `string`; `missing` says whether the column had
missing values in training. Of numbers, `missing_texts` stand for missing ones. Of text, `stand_in`
is what the model takes for a missing one, `integer` says that all categories are whole numbers,
and `trimmed` that white space around them means nothing. `inputs` says which columns, in which
order, each input of the model takes; without it the model has one input, which takes all of them.
`classes` stands in sorted order, with JSON's types being the labels' own.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException

ROWS_AT_ONCE = 8192
"""Rows that go through the network together: bounds memory, whatever the length of the table."""

TRUTHS = {"true": True, "false": False}

TO_INTEGER = re.compile(r"\s*([+-]?\d+)(?:\.0*)?\s*")
"""A whole number as a table may write it."""

Label = str | bool | int | float
Inputs = dict[str, np.ndarray[Any, Any]]
"""Name of an input of the network -> its rows; one without a name is the only one."""


def probability_column(label: Label) -> str:
    """Name of the column that holds the probability of a class.

    A float that is a whole number is written as an integer, so that labels read as `0.0` from one
    file and as `0` from another give the same name.

    Example:
        >>> [probability_column(label) for label in ("red", 1, 0.0, 0.5, True)]
        ['probability_red', 'probability_1', 'probability_0', 'probability_0.5', 'probability_True']
    """
    text = repr(label).removesuffix(".0") if isinstance(label, float) else str(label)
    return f"probability_{text}"


def refuse(reason: str) -> MlflowException:
    """The error of a table that cannot be scored; a scoring server answers it with status 400."""
    return MlflowException.invalid_parameter_value(reason)


def numbers(
    column: pd.Series, missing_texts: Collection[str] = (), wanted: str = "a number"
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """A column as float64, shape `(rows,)`: integers, booleans, decimals, numbers as text.

    Missing values of any kind become NaN, and so do texts that stand for them.

    Raises:
        MlflowException: A value is not a number; named with its column and row label.
    """
    name, dtype = column.name, column.dtype
    if getattr(dtype, "kind", "O") in "Mmc":
        raise refuse(f"column {name!r}: holds {dtype}, where {wanted} is wanted")
    if pd.api.types.is_numeric_dtype(dtype):
        return np.asarray(column.to_numpy(dtype="float64", na_value=np.nan))
    values = np.empty(len(column), dtype="float64")
    for position, value in enumerate(column):
        try:
            is_missing = value is None or value is pd.NA
            is_missing |= isinstance(value, str) and value.strip() in missing_texts
            values[position] = np.nan if is_missing else float(value)
        except (TypeError, ValueError):
            row = column.index[position]
            kind = "text " if isinstance(value, str) else ""
            raise refuse(
                f"column {name!r}, row {row}: {kind}{value!r:.60} stands where {wanted} is wanted"
            ) from None
    return values


def truths(column: pd.Series) -> np.ndarray[Any, np.dtype[np.float64]]:
    """A column of truth values as 0 and 1, shape `(rows,)`: also as text, NaN where missing.

    Raises:
        MlflowException: A value is neither true nor false; named with its column and row label.
    """
    if pd.api.types.is_string_dtype(column.dtype):
        column = column.map(lambda value: TRUTHS.get(str(value).strip().lower(), value))
    values = numbers(column, wanted="true or false")
    odd = ~(np.isnan(values) | np.isin(values, (0.0, 1.0)))
    if odd.any():
        position = int(odd.argmax())
        raise refuse(
            f"column {column.name!r}, row {column.index[position]}: {values[position]:g} stands "
            "where true or false is wanted"
        )
    return values


def text_of(value: Any, *, integer: bool = False, trimmed: bool = False) -> str | None:
    """A category as text; None where it is missing.

    Example:
        >>> [text_of(value) for value in ("red", 7, 7.0, 0.5, True, None, float("nan"))]
        ['red', '7', '7', '0.5', 'True', None, None]
        >>> text_of(" red ", trimmed=True), text_of(" ", trimmed=True), text_of("07", integer=True)
        ('red', None, '7')
    """
    if isinstance(value, str):
        text = value.strip() if trimmed else value
        if integer and (number := TO_INTEGER.fullmatch(text)):
            return str(int(number[1]))
        return text if text or not trimmed else None
    if value is None or (pd.api.types.is_scalar(value) and pd.isna(value)):
        return None
    is_whole = isinstance(value, float | np.floating) and float(value).is_integer()
    return str(int(value)) if is_whole else str(value)


class TableScorer(mlflow.pyfunc.PythonModel):
    """Scores a DataFrame with the Keras model that lies beside this file."""

    def load_context(self, context: Any) -> None:
        """Reads the schema and the model.

        Raises:
            MlflowException: The model file is not the one that was logged.
        """
        import keras

        schema = json.loads(Path(context.artifacts["schema"]).read_text(encoding="utf-8"))
        model_file = Path(context.artifacts["model"])
        if hashlib.sha256(model_file.read_bytes()).hexdigest() != schema["model_sha256"]:
            raise refuse(
                f"{model_file.name}: digest mismatch, this is not the file that was logged; "
                "load another version, or log the model again"
            )
        self.columns: dict[str, dict[str, Any]] = {c["name"]: c for c in schema["columns"]}
        self.groups: dict[str, list[str]] = schema.get("inputs", {})
        self.labels: list[Label] = schema["classes"]
        self.network = keras.saving.load_model(model_file, compile=False, safe_mode=True)

    def predict(
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Scores a table.

        Args:
            context: Unused.
            model_input: The columns of the schema in any order; others are ignored.
            params: Unused.

        Returns:
            The input's index with `prediction` (labels as in the data) and one
            `probability_<class>` column a class, in sorted order of the classes.

        Raises:
            MlflowException: A column is missing or holds something the model cannot take.
        """
        probabilities = self.probabilities(self.inputs(model_input))
        best = probabilities.argmax(axis=1)
        scores = {"prediction": np.asarray(self.labels)[best]}
        scores |= {
            probability_column(label): probabilities[:, position]
            for position, label in enumerate(self.labels)
        }
        return pd.DataFrame(scores, index=model_input.index)

    def inputs(self, table: pd.DataFrame) -> Inputs:
        """What the network takes, each of shape `(rows, columns)`, checked column by column."""
        missing = [name for name in self.columns if name not in table]
        if missing:
            raise refuse(f"missing column{'s' * (len(missing) > 1)}: {', '.join(missing)}")
        groups = self.groups or {"": list(self.columns)}
        return {group: self.block(table, names) for group, names in groups.items()}

    def block(self, table: pd.DataFrame, names: list[str]) -> np.ndarray[Any, Any]:
        """Columns of one type side by side."""
        is_text = self.columns[names[0]]["dtype"] == "string"
        block = np.empty((len(table), len(names)), dtype=object if is_text else "float32")
        for position, name in enumerate(names):
            convert = self.texts if is_text else self.numbers
            block[:, position] = convert(table[name], self.columns[name])
        return block

    def numbers(self, series: pd.Series, column: dict[str, Any]) -> np.ndarray[Any, Any]:
        """A column of numbers or truth values in float32, NaN where missing."""
        is_truth, missing_texts = column["dtype"] == "bool", column.get("missing_texts", ())
        values = truths(series) if is_truth else numbers(series, missing_texts)
        if not column["missing"]:
            self.check(series, np.isnan(values), "missing (the training rows had none)")
        with np.errstate(over="ignore"):
            single = values.astype("float32")
        self.check(series, np.isinf(single), "infinite in float32")
        return single

    def texts(self, series: pd.Series, column: dict[str, Any]) -> list[str]:
        """A column of categories, with something in place of missing ones."""
        rules = {"integer": column["integer"], "trimmed": column["trimmed"]}
        found = [text_of(value, **rules) for value in series.astype(object)]
        if not column["missing"]:
            gaps = np.array([text is None for text in found], dtype=bool)
            self.check(series, gaps, "missing (the training rows had none)")
        return [column["stand_in"] if text is None else text for text in found]

    @staticmethod
    def check(column: pd.Series, bad: np.ndarray[Any, np.dtype[np.bool_]], what: str) -> None:
        """Refuses a column of which some rows are bad."""
        if count := int(bad.sum()):
            more = f", and in {count - 1} more row{'s' * (count > 2)}" if count > 1 else ""
            row = column.index[int(bad.argmax())]
            raise refuse(f"column {column.name!r}, row {row}: {what}{more}")

    def probabilities(self, inputs: Inputs) -> np.ndarray[Any, np.dtype[np.float64]]:
        """One probability a class, shape `(rows, classes)`, from the network's output.

        A single output is the probability of the second class.
        """
        if not len(next(iter(inputs.values()))):
            return np.empty((0, len(self.labels)))
        outputs = np.concatenate(list(self.chunks(inputs)))
        if np.isnan(outputs).any():
            raise refuse(f"the model gives no probability for {np.isnan(outputs).sum()} values")
        return np.hstack([1.0 - outputs, outputs]) if outputs.shape[1] == 1 else outputs

    def chunks(self, inputs: Inputs) -> Iterator[np.ndarray[Any, Any]]:
        """The network's outputs in float64, some thousand rows at a time."""
        import keras

        for start in range(0, len(next(iter(inputs.values()))), ROWS_AT_ONCE):
            rows = {name: block[start : start + ROWS_AT_ONCE] for name, block in inputs.items()}
            output = self.network(rows if self.groups else rows[""], training=False)
            yield keras.ops.convert_to_numpy(output).astype("float64")


mlflow.models.set_model(TableScorer())
