"""Logs a Keras model as an MLflow model that takes raw rows: fast, complete or not at all.

MLflow's own `log_model` functions work on a global tracking URI and a global active run, put a
model logged under an explicit run into experiment 0, and take seconds to guess requirements. The
same steps are done here with an explicit client (compare `mlflow.models.Model.log`): the files are
made first, so what can fail has failed before the store hears of the model.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from trialstack.preprocessing.layers import with_preparation
from trialstack.preprocessing.prepared import Preparation
from trialstack.registry.columns import input_schema
from trialstack.registry.digest import DIGEST_TAG, files_sha256
from trialstack.registry.leftovers import delete_model, delete_unfinished
from trialstack.registry.stock import stock_copy

EXAMPLE_ROWS = 5

REQUIREMENTS = (("mlflow", "mlflow-skinny"), ("keras",), ("tensorflow",), ("numpy",), ("pandas",))
"""What the model needs where it is loaded; of a group, the first that is installed here."""

SOURCE_TAGS = (
    "mlflow.user",
    "mlflow.source.name",
    "mlflow.source.type",
    "mlflow.source.git.commit",
)
"""Tags of the run that say where the model came from, too."""

PROJECT_FILES = ("uv.lock", "pyproject.toml", ".python-version")
"""What MLflow copies from a uv project in the current directory: the user's, not the model's."""


@dataclass(frozen=True)
class LoggedModelRef:
    """A model that MLflow holds.

    Attributes:
        model_id: MLflow's id, `m-...`.
        uri: For `mlflow.pyfunc.load_model`: `models:/m-...`.
        files_sha256: Digest of its files (`trialstack.registry.digest`).
    """

    model_id: str
    uri: str
    files_sha256: str


def log_model(
    client: Any,
    *,
    run_id: str,
    experiment_id: str,
    model: Any,
    feature_names: Sequence[str],
    classes: Sequence[Any],
    example_frame: Any,
    name: str = "model",
    columns_with_missing: Collection[str] = (),
    preparation: Preparation | None = None,
    metric_names: Collection[str] = (),
    metadata: Mapping[str, Any] | None = None,
) -> LoggedModelRef:
    """Logs a model as an output of a run, ready to be loaded with `mlflow.pyfunc.load_model`.

    MLflow's global tracking URI and active run are neither read nor changed. A model that an
    earlier, killed call left unfinished in the same run is deleted.

    Args:
        client: `mlflow.MlflowClient` of the store.
        run_id: Run that trained the model; its params are shown with the model.
        experiment_id: Experiment of that run.
        model: Built Keras model of stock layers, from `(rows, features)` to probabilities of
            shape `(rows, classes)`, or `(rows, 1)` for the second of two classes.
        feature_names: Raw columns; without a preparation in the order of the model's inputs.
        classes: Labels as in the data, in sorted order: all strings, integers, booleans or floats.
        example_frame: DataFrame of raw rows; the first ones become the input example.
        name: As the UI shows it.
        columns_with_missing: Columns that had missing values in training, and may have them.
        preparation: What makes the model's features of the raw columns, and becomes part of the
            logged model; None = the model takes the columns themselves.
        metric_names: Metrics of the run that are shown with the model too.
        metadata: Plain values for the `MLmodel` file.

    Returns:
        The model, in state READY.

    Raises:
        ModelRefusedError: The model is not made of stock Keras objects; nothing was logged.
        ValueError: Names, classes and the model's shapes do not fit each other.
    """
    from mlflow.entities import LoggedModelOutput

    labels = _labels(classes)
    _check_shapes(model, preparation.feature_names if preparation else feature_names, labels)
    network = stock_copy(with_preparation(preparation, model) if preparation else model)
    schema = {
        "format": 1,
        **input_schema(feature_names, columns_with_missing, preparation),
        "classes": labels,
    }
    run = client.get_run(run_id)
    with tempfile.TemporaryDirectory(prefix="trialstack-model-") as scratch:
        folder = Path(scratch, "mlflow")
        mlmodel = _write_files(
            folder, network, schema, example_frame[list(feature_names)], metadata
        )
        delete_unfinished(client, experiment_id, run_id)
        logged = client.create_logged_model(
            experiment_id=experiment_id,
            name=name,
            source_run_id=run_id,
            params=run.data.params,
            tags={tag: run.data.tags[tag] for tag in SOURCE_TAGS if tag in run.data.tags},
            model_type="classifier",
        )
        try:
            _name_model(mlmodel, logged, run_id, folder)
            client.log_model_artifacts(logged.model_id, str(folder))
            sha256 = files_sha256(folder)
            client.set_logged_model_tags(logged.model_id, {DIGEST_TAG: sha256})
            client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, step=0)])
            _share_metrics(client, run, logged.model_id, metric_names)
            client.finalize_logged_model(logged.model_id, "READY")
        except BaseException:
            with contextlib.suppress(Exception):  # the first error is the one to be told
                delete_model(client, logged.model_id)
            raise
    return LoggedModelRef(logged.model_id, f"models:/{logged.model_id}", sha256)


def _labels(classes: Sequence[Any]) -> list[str | bool | int | float]:
    """Classes as plain Python values of one type, which JSON gives back as they are."""
    labels = [label.item() if hasattr(label, "item") else label for label in classes]
    kinds = {type(label) for label in labels}
    if len(kinds) != 1 or not kinds <= {str, bool, int, float}:
        raise ValueError(f"classes are {labels!r}; wanted: all str, all bool, all int or all float")
    if labels != sorted(set(labels)):
        raise ValueError(f"classes are {labels!r}; wanted: distinct and in sorted order")
    return labels


def _check_shapes(model: Any, feature_names: Sequence[str], labels: Sequence[Any]) -> None:
    if model.input_shape[-1] != len(feature_names):
        raise ValueError(
            f"the model takes {model.input_shape[-1]} columns, {len(feature_names)} are named"
        )
    outputs = model.output_shape[-1]
    if outputs != len(labels) and (outputs, len(labels)) != (1, 2):
        raise ValueError(f"the model has {outputs} outputs for {len(labels)} classes")


def _write_files(
    folder: Path, network: Any, schema: dict[str, Any], example: Any, metadata: Any
) -> Any:
    """Writes the whole model but its id; returns the `mlflow.models.Model` of its `MLmodel`."""
    import mlflow

    model_file = folder.parent / "model.keras"
    network.save(model_file)
    schema["model_sha256"] = hashlib.sha256(model_file.read_bytes()).hexdigest()
    schema_file = folder.parent / "schema.json"
    schema_file.write_text(json.dumps(schema, indent=1, ensure_ascii=False), encoding="utf-8")
    mlmodel = mlflow.models.Model(metadata=dict(metadata or {}))
    mlflow.pyfunc.save_model(
        path=str(folder),
        python_model=str(Path(__file__).with_name("scorer.py")),
        artifacts={"model": str(model_file), "schema": str(schema_file)},
        mlflow_model=mlmodel,
        signature=_signature(schema),
        input_example=_first_rows(example),
        pip_requirements=pip_requirements(),
        streamable=False,
    )
    for stray in PROJECT_FILES:
        (folder / stray).unlink(missing_ok=True)
    return mlmodel


def _first_rows(example: Any) -> Any:
    rows = example.head(EXAMPLE_ROWS).reset_index(drop=True)
    # MLflow compares the names with a range, of which pandas 3 warns for its own text type only.
    rows.columns = rows.columns.astype(object)
    return rows


def _signature(schema: Mapping[str, Any]) -> Any:
    """Columns by name and of any type: the scorer converts, so integers need not be refused."""
    from mlflow.models import ModelSignature
    from mlflow.types import DataType
    from mlflow.types.schema import AnyType, ColSpec, Schema

    from trialstack.registry.scorer import probability_column

    labels = schema["classes"]
    kinds = {
        str: DataType.string,
        bool: DataType.boolean,
        int: DataType.long,
        float: DataType.double,
    }
    outputs = [ColSpec(kinds[type(labels[0])], "prediction")]
    outputs += [ColSpec(DataType.double, probability_column(label)) for label in labels]
    inputs = [ColSpec(AnyType(), column["name"]) for column in schema["columns"]]
    return ModelSignature(Schema(inputs), Schema(outputs))


def pip_requirements() -> list[str]:
    """Exact versions installed here of what the model needs where it is loaded."""
    found = (_installed(alternatives) for alternatives in REQUIREMENTS)
    return [requirement for requirement in found if requirement]


def _installed(alternatives: Sequence[str]) -> str | None:
    for package in alternatives:
        with contextlib.suppress(PackageNotFoundError):
            return f"{package}=={version(package)}"
    return None


def _name_model(mlmodel: Any, logged: Any, run_id: str, folder: Path) -> None:
    """Writes the ids into `MLmodel`, and takes the paths of the scratch folder out of it."""
    mlmodel.artifact_path = logged.artifact_location
    mlmodel.model_uuid = logged.model_id
    mlmodel.model_id = logged.model_id
    mlmodel.run_id = run_id
    flavor = mlmodel.flavors["python_function"]
    flavor["model_code_path"] = Path(flavor["model_code_path"]).name
    for artifact in flavor["artifacts"].values():
        artifact["uri"] = artifact["path"]
    mlmodel.save(str(folder / "MLmodel"))


def _share_metrics(client: Any, run: Any, model_id: str, names: Collection[str]) -> None:
    """Shows metrics of the run with the model: the same points, so the run gets no second ones."""
    from mlflow.entities import Metric

    run_id = run.info.run_id
    dataset = next((given.dataset for given in run.inputs.dataset_inputs), None)
    shared = [
        Metric(
            key=point.key,
            value=point.value,
            timestamp=point.timestamp,
            step=point.step,
            model_id=model_id,
            dataset_name=dataset and dataset.name,
            dataset_digest=dataset and dataset.digest,
            run_id=run_id,
        )
        for name in names
        for point in client.get_metric_history(run_id, name)[-1:]
    ]
    if shared:
        client.log_batch(run_id, metrics=shared)
