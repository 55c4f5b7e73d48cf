"""trialstack's values as MLflow's entities, within MLflow's limits."""

from __future__ import annotations

import functools
import json
import math
import posixpath
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from trialstack.tracking.base import DatasetRecord
from trialstack.tracking.pending import Point

LONGEST_PARAM = 6000
LONGEST_TAG = 5000  # what all supported servers take
METRICS_A_BATCH = 1000  # of which params and tags of the same batch are subtracted
PARAMS_A_BATCH = 100
_LONGEST_NAME = 250
_LONGEST_DIGEST = 36
_LONGEST_SCHEMA = 1_000_000


@functools.lru_cache(maxsize=1024)  # every epoch has the same few
def entity_name(name: str) -> str:
    """A name of a metric, param or tag that MLflow does not refuse.

    Example:
        >>> entity_name("f1 (macro)")
        'f1 _macro_'
    """
    allowed = "".join(c if c.isalnum() or c in "_-. :/" else "_" for c in name)
    return posixpath.normpath(f"/{allowed}").lstrip("/")[:_LONGEST_NAME] or "_"


def cut(text: str, longest: int) -> str:
    """The text, ended by an ellipsis where it was too long."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def tag_values(tags: Mapping[str, str]) -> dict[str, str]:
    """Tags as MLflow takes them."""
    return {entity_name(name): cut(str(value), LONGEST_TAG) for name, value in tags.items()}


def batches(
    points: Sequence[Point], params: Mapping[str, str], tags: Mapping[str, str]
) -> Iterable[dict[str, list[Any]]]:
    """Arguments of as few `log_batch` calls as MLflow's limits allow.

    The first calls carry the params and tags; NaN and infinite values are passed on, which the
    stores keep (infinity as the largest float).
    """
    from mlflow.entities import Metric, Param, RunTag

    metrics = [Metric(entity_name(p.name), float(p.value), p.time, p.step) for p in points]
    left_params = [Param(entity_name(k), cut(str(v), LONGEST_PARAM)) for k, v in params.items()]
    left_tags = [RunTag(k, v) for k, v in tag_values(tags).items()]
    while metrics or left_params or left_tags:
        now_params, left_params = left_params[:PARAMS_A_BATCH], left_params[PARAMS_A_BATCH:]
        now_tags, left_tags = left_tags[:PARAMS_A_BATCH], left_tags[PARAMS_A_BATCH:]
        room = METRICS_A_BATCH - len(now_params) - len(now_tags)
        now_metrics, metrics = metrics[:room], metrics[room:]
        yield {"metrics": now_metrics, "params": now_params, "tags": now_tags}


def dataset_input(record: DatasetRecord) -> Any:
    """An `mlflow.entities.DatasetInput`; its schema makes the UI's drawer list the columns.

    The columns are of type "any", because the record knows their names alone.
    """
    from mlflow.entities import Dataset, DatasetInput, InputTag

    columns = [{"type": "any", "name": name, "required": True} for name in record.features]
    columns.append({"type": "any", "name": record.target, "required": True})
    schema = json.dumps({"mlflow_colspec": columns})
    profile = {
        "num_rows": record.rows,
        "num_elements": record.rows * len(columns),
        "num_features": len(record.features),
        "target": record.target,
        "sha256": record.digest,
    }
    dataset = Dataset(
        name=cut(record.name, 500),
        digest=record.digest[:_LONGEST_DIGEST],
        source_type="local",
        source=json.dumps({"uri": record.source}),
        schema=schema if len(schema) <= _LONGEST_SCHEMA else None,
        profile=json.dumps(profile),
    )
    return DatasetInput(dataset, tags=[InputTag("mlflow.data.context", record.context)])


def table_json(columns: Mapping[str, Sequence[object]]) -> bytes:
    """The table as the UI reads it: `{"columns": [...], "data": [[...], ...]}`.

    Raises:
        ValueError: Columns of different lengths.
    """
    rows = zip(*columns.values(), strict=True)
    data = [[_cell(value) for value in row] for row in rows]
    return json.dumps({"columns": list(columns), "data": data}).encode()


def _cell(value: object) -> object:
    if hasattr(value, "item"):  # a numpy scalar
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
