from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from trialstack.trials import Objective
from trialstack.tuners.weights import KEPT, BestWeights

HIGHEST = Objective("val_auc", "max")
LOWEST = Objective("val_loss", "min")


def arrays(number: int) -> list[np.ndarray]:
    return [np.full((2, 3), number, np.float32), np.array(number, np.int64)]


def offer(store: BestWeights, scores: dict[str, float]) -> None:
    for trial_id, score in scores.items():
        store.offer(trial_id, score, arrays(int(trial_id)), {"input_shape": [None, 2]})
        store.forget_others()


def kept(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.iterdir())


@pytest.mark.parametrize(
    ("objective", "best"), [(HIGHEST, range(5, 15)), (LOWEST, range(10))], ids=["max", "min"]
)
@pytest.mark.parametrize("order", ["ascending", "descending", "shuffled"])
def test_the_best_ten_of_fifteen_stay(
    tmp_path: Path, objective: Objective, best: range, order: str
) -> None:
    numbers = list(range(15))
    if order == "descending":
        numbers.reverse()
    elif order == "shuffled":
        np.random.default_rng(0).shuffle(numbers)
    store = BestWeights(tmp_path, objective)
    offer(store, {f"{number:02d}": number / 20 for number in numbers})
    assert kept(tmp_path) == [f"{number:02d}" for number in best]
    for number in best:
        stored = store.load(f"{number:02d}")
        assert [array.tolist() for array in stored.arrays] == [[[number] * 3] * 2, number]
        assert [array.dtype for array in stored.arrays] == [np.float32, np.int64]
        assert stored.build_config == {"input_shape": [None, 2]}


def test_of_equal_scores_the_earlier_stay(tmp_path: Path) -> None:
    offer(BestWeights(tmp_path, HIGHEST), {f"{number:02d}": 1.0 for number in range(15)})
    assert kept(tmp_path) == [f"{number:02d}" for number in range(10)]


def test_a_trial_that_is_not_among_the_best_is_never_written(tmp_path: Path) -> None:
    store = BestWeights(tmp_path, HIGHEST, kept=2)
    assert store.offer("0", 0.9, arrays(0), None)
    assert store.offer("1", 0.8, arrays(1), None)
    assert not store.offer("2", 0.8, arrays(2), None)
    assert kept(tmp_path) == ["0", "1"]


def test_the_one_that_falls_out_is_there_until_the_better_one_is_recorded(tmp_path: Path) -> None:
    store = BestWeights(tmp_path, HIGHEST, kept=1)
    store.offer("0", 0.8, arrays(0), None)
    store.offer("1", 0.9, arrays(1), None)
    assert kept(tmp_path) == ["0", "1"]
    store.forget_others()
    assert kept(tmp_path) == ["1"]


def test_a_later_process_goes_on_with_the_files_it_finds(tmp_path: Path) -> None:
    first = {f"{number:02d}": number / 20 for number in range(8)}
    offer(BestWeights(tmp_path, HIGHEST), first)
    later = BestWeights(tmp_path, HIGHEST)
    for trial_id, score in first.items():
        later.know(trial_id, score)
    later.know("99", 1.0)  # without a file: its trial was not among the best
    offer(later, {"08": 0.001, "09": 0.6, "10": 0.7, "11": 0.002})
    assert kept(tmp_path) == ["01", "02", "03", "04", "05", "06", "07", "09", "10", "11"]


def test_the_file_of_a_trial_that_was_interrupted_is_written_over(tmp_path: Path) -> None:
    offer(BestWeights(tmp_path, HIGHEST), {"7": 0.5})
    store = BestWeights(tmp_path, HIGHEST)  # the journal never said that trial 7 finished
    store.offer("7", 0.5, arrays(8), None)
    assert store.load("7").arrays[1] == 8


def test_no_weights_at_all_and_no_build_config(tmp_path: Path) -> None:
    store = BestWeights(tmp_path, HIGHEST)
    store.offer("0", 1.0, [], None)
    assert (store.load("0").arrays, store.load("0").build_config) == ([], None)


def test_weights_that_were_not_kept_are_named(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match=rf"no weights of trial '12': .* best {KEPT} trials"):
        BestWeights(tmp_path, HIGHEST).load("12")
