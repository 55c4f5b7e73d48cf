"""Makes experiments/large.parquet: a million machines, and which of them fail within a month.

    python experiments/make_large.py [--rows 1000000] [--seed 42] [-o experiments/large.parquet]

The table is generated, so the best that any model can do is known: the script prints the AUC of
the very probabilities that the target was drawn from. It is written a row group at a time, each
from a seed of its own, so memory does not grow with the rows, and fewer rows are the first ones of
more.

Eight hidden traits of a machine (its age, load, climate, ...) lie behind 24 of the 30 columns, each
a noisy reading of one of them and some on a logarithmic scale, with long tails. Six more columns
tell nothing. The risk is no linear function of the traits: two of them matter as a product, two as
a ring, and one only beyond a threshold.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.stats import rankdata

ROWS_A_GROUP = 65_536
TARGET = "fails_within_30_days"

READINGS = {
    "age": ("age_days", "operating_hours", "starts"),
    "load": ("power_kw", "current_a", "torque_nm"),
    "climate": ("outside_temperature_c", "humidity_percent", "dust_mg_m3"),
    "cooling": ("oil_temperature_c", "coolant_flow_l_min", "fan_speed_rpm"),
    "wear": ("vibration_mm_s", "play_um", "particles_ppm"),
    "balance": ("vibration_x_mm_s", "vibration_y_mm_s", "bearing_temperature_c"),
    "supply": ("voltage_v", "harmonics_percent", "outages_a_year"),
    "care": ("days_since_service", "services", "operators"),
}
"""Trait -> columns that are read off it."""

UNRELATED = ("site_elevation_m", "batch_weight_kg", "colour_code", "latitude", "paint_um", "lot")
SKEWED = frozenset({"operating_hours", "starts", "dust_mg_m3", "particles_ppm", "play_um"}) | {
    "outages_a_year",
    "days_since_service",
    "batch_weight_kg",
}
"""Columns with long tails: the exponential of a reading."""


def main() -> None:
    """Writes the file, and says what is in it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument(
        "-o", "--output", type=Path, default=Path(__file__).with_name("large.parquet")
    )
    options = parser.parse_args()
    if options.rows < 1:
        parser.error(f"--rows {options.rows} came; give 1 or more")
    auc = write(options.output, options.rows, options.seed)
    megabytes = options.output.stat().st_size / 1e6
    print(f"{options.output}: {options.rows:,} rows, {megabytes:.0f} MB")
    print(f"AUC of the true probabilities: {auc:.4f}; no model can be expected to do better")


def write(path: Path, rows: int, seed: int) -> float:
    """Writes the file, whole or not at all.

    Returns:
        AUC of the probabilities that the target was drawn from; NaN where it has one class.
    """
    unfinished = path.with_name(f"{path.name}.part")
    risks, labels = [], []
    try:
        with pq.ParquetWriter(unfinished, _schema(), compression="zstd") as writer:
            for table, risk in groups(rows, seed):
                writer.write_table(table, row_group_size=ROWS_A_GROUP)
                risks.append(risk)
                labels.append(table[TARGET].to_numpy())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return _auc(np.concatenate(risks), np.concatenate(labels))


def groups(rows: int, seed: int) -> Iterator[tuple[pa.Table, NDArray[np.float32]]]:
    """Row groups, each with the probability that its rows' targets were drawn from."""
    for number, start in enumerate(range(0, rows, ROWS_A_GROUP)):
        table, risk = _group(np.random.default_rng([seed, number]))
        size = min(ROWS_A_GROUP, rows - start)
        yield table.slice(0, size), risk[:size]


def _group(rng: np.random.Generator) -> tuple[pa.Table, NDArray[np.float32]]:
    traits = {name: rng.standard_normal(ROWS_A_GROUP, np.float32) for name in READINGS}
    columns = {}
    for trait, names in READINGS.items():
        for noise, name in zip((0.3, 0.6, 0.9), names, strict=True):
            columns[name] = traits[trait] + noise * rng.standard_normal(ROWS_A_GROUP, np.float32)
    for name in UNRELATED:
        columns[name] = rng.standard_normal(ROWS_A_GROUP, np.float32)
    for place, name in enumerate(columns):
        reading = np.exp(columns[name]) if name in SKEWED else columns[name]
        columns[name] = np.float32(1 + place) * reading + np.float32(10 * place)  # units differ
    risk = _risk(traits)
    fails = rng.random(ROWS_A_GROUP, np.float32) < risk
    return pa.table({**columns, TARGET: fails.astype(np.int8)}, schema=_schema()), risk


def _risk(traits: dict[str, NDArray[np.float32]]) -> NDArray[np.float32]:
    """Probability that a machine fails."""
    t = traits
    logit = (
        -2.2
        + 0.8 * t["age"]
        + 1.2 * t["load"] * t["climate"]  # heavy work in the heat
        + 0.9 * (np.hypot(t["balance"], t["supply"]) - 1.25)  # far from the middle, either way
        + 2.5 * (t["wear"] > 1.0)
        - 0.5 * t["care"]
    )
    return (1 / (1 + np.exp(-logit))).astype(np.float32)


def _schema() -> pa.Schema:
    names = [*(name for of_trait in READINGS.values() for name in of_trait), *UNRELATED]
    return pa.schema([*((name, pa.float32()) for name in names), (TARGET, pa.int8())])


def _auc(scores: NDArray[np.float32], labels: NDArray[np.int8]) -> float:
    """Share of pairs of both classes in which the one that fails has the higher score."""
    positive = labels == 1
    m, n = int(positive.sum()), int((~positive).sum())
    if not m or not n:
        return float("nan")
    return float((rankdata(scores)[positive].sum() - m * (m + 1) / 2) / (m * n))


if __name__ == "__main__":
    main()
