from __future__ import annotations

import math
from dataclasses import replace

import pytest

from trialstack.live.dashboard import bar, dashboard, shared
from trialstack.live.snapshot import Snapshot
from trialstack.trials import Objective

AUC = Objective("val_auc", "max")
HALFWAY = Snapshot(
    AUC,
    10,
    scores=(0.5, 0.75, math.nan, 0.625),
    running=3,
    best=(0.75, "trial 001 · 72-22 · l1 1e-10 · lr 0.00676"),
    rate=1234.4,
    used=75.0,
    left=7.26,
)


def plain(snapshot: Snapshot, width: int) -> list[str]:
    return [line.plain.rstrip() for line in dashboard(snapshot, width)]


def test_eighty_columns() -> None:
    assert plain(HALFWAY, 80) == [
        "█" * 23 + "×" * 8 + "▒" * 24 + "░" * 24,
        "4 of 10 trials · 3 running · 1 failed · stacked",
        "75.0 s used · about 7.3 s left · 1,234 epochs/s",
        "best val_auc 0.7500 · trial 001 · 72-22 · l1 1e-10 · lr 0.00676",
        "▁█×▅        val_auc  ▁ 0.5 █ 0.75",
        "▁███        best so far",
    ]


def test_forty_columns() -> None:
    assert plain(HALFWAY, 40)[1:] == [
        "4 of 10 trials · 3 running · 1 failed",
        "stacked",
        "75.0 s used · about 7.3 s left",
        "1,234 epochs/s",
        "best val_auc 0.7500 · trial 001 · 72-22",
        "l1 1e-10 · lr 0.00676",
        "▁█×▅        ▁ 0.5 █ 0.75",
        "▁███        best so far",
    ]


@pytest.mark.parametrize("width", [1, 2, 5, 13, 20, 40, 79, 80, 200])
def test_the_last_column_stays_free(width: int) -> None:
    assert all(line.cell_len <= max(width - 1, 1) for line in dashboard(HALFWAY, width))
    wide = Snapshot(AUC, 3, (0.5,), best=(0.5, "trial 000 · " + "寬" * 60))
    assert all(line.cell_len <= max(width - 1, 1) for line in dashboard(wide, width))


def test_a_long_epoch_is_shown_in_parts() -> None:
    slow = replace(HALFWAY, epochs=3, epochs_passed=1.456)
    assert plain(slow, 80)[1] == (
        "4 of 10 trials · 3 running · 1 failed · epoch 2 of 3: 46 % · stacked"
    )


def test_before_the_first_trial() -> None:
    assert plain(Snapshot(AUC, 10, used=0.25), 30) == [
        "░" * 29,
        "0 of 10 trials · stacked",
        "0.2 s used",
    ]


def test_only_failures_have_no_curve() -> None:
    assert plain(Snapshot(AUC, 2, (math.nan, math.nan)), 30)[1:] == [
        "2 of 2 trials · 2 failed",
        "stacked",
        "0.0 s used",
    ]


def test_more_trials_than_columns() -> None:
    scores = tuple(index / 300 for index in range(300))
    rising = Snapshot(AUC, 300, scores, best=(scores[-1], "trial 299"))
    *_, values, best = plain(rising, 60)
    assert values.partition("  ")[0].startswith("▁▁▁")
    assert values.partition("  ")[0].endswith("███")
    assert len(values.partition("  ")[0]) == len(best.partition("  ")[0])


def test_the_lowest_loss_is_the_lowest_block() -> None:
    loss = Objective("val_loss", "min")
    *_, values, best = plain(Snapshot(loss, 3, (2.0, 1.0, 2.0), best=(1.0, "trial 001")), 60)
    assert values.startswith("█▁█  val_loss  ▁ 1 █ 2")
    assert best.startswith("█▁▁")


def test_a_bar_is_as_long_as_it_is_meant_to_be() -> None:
    assert bar(HALFWAY, 10).plain == "███×▒▒▒░░░"
    assert bar(Snapshot(AUC, 2, (0.5, 0.5, 0.5)), 10).plain == "█" * 10  # fewer wanted now
    assert bar(Snapshot(AUC, 0), 10).plain == ""


def test_one_of_many_is_to_be_seen() -> None:
    assert shared([1, 1, 1, 997], 20) == [1, 1, 1, 17]
    assert shared([0, 0, 0, 4], 3) == [0, 0, 0, 3]
