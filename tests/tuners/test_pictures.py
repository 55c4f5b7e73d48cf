"""What pictures are drawn of: kept before a trial is done, drawn when somebody asks."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trialstack.plots.painter import BoundaryPainter
from trialstack.tracking.base import Drawing, NewRun, Status
from trialstack.tracking.memory import MemoryTracker
from trialstack.tuners.journal import Journal
from trialstack.tuners.pictures import TrialPictures
from trialstack.tuners.search_run import PARENT
from trialstack.tuners.tracked import painter_of

TunerOf = Callable[..., Any]


@pytest.fixture
def painter(X: np.ndarray, y: np.ndarray) -> BoundaryPainter:
    made = painter_of({"x": X, "y": y})
    assert made is not None
    return made


@pytest.fixture
def outputs(painter: BoundaryPainter) -> np.ndarray:
    return 1 / (1 + np.exp(-painter.plane.points.sum(axis=1, keepdims=True)))


class TestTrialPictures:
    def test_what_was_kept_gives_the_same_picture_after_a_restart(
        self, tmp_path: Path, painter: BoundaryPainter, outputs: np.ndarray
    ) -> None:
        pictures = TrialPictures(tmp_path / "pictures", painter)
        pictures.keep("007", outputs)
        now = pictures.drawing("007", outputs)
        later = TrialPictures(tmp_path / "pictures", painter).drawing("007", None)
        assert now is not None
        assert later is not None
        pictures.drop()
        assert not (tmp_path / "pictures").exists()
        assert now() == later() == painter.paint(outputs)

    def test_the_file_is_small_and_nothing_unfinished_is_left(
        self, tmp_path: Path, painter: BoundaryPainter, outputs: np.ndarray
    ) -> None:
        TrialPictures(tmp_path, painter).keep("007", outputs)
        (file,) = tmp_path.iterdir()
        assert file.stat().st_size < 20_000

    def test_what_is_no_classifiers_output_is_neither_kept_nor_drawn(
        self, tmp_path: Path, painter: BoundaryPainter, outputs: np.ndarray
    ) -> None:
        pictures = TrialPictures(tmp_path / "pictures", painter)
        for other in (np.hstack([outputs] * 3), outputs[:-1], None):
            pictures.keep("007", other)
            assert pictures.drawing("007", other) is None
        assert not (tmp_path / "pictures").exists()

    def test_without_a_painter_there_are_none(self, tmp_path: Path, outputs: np.ndarray) -> None:
        pictures = TrialPictures(tmp_path / "pictures", None)
        pictures.keep("007", outputs)
        assert pictures.probe is None
        assert pictures.drawing("007", outputs) is None
        assert not (tmp_path / "pictures").exists()

    def test_a_torn_file_fails_only_when_it_is_drawn(
        self, tmp_path: Path, painter: BoundaryPainter, outputs: np.ndarray
    ) -> None:
        pictures = TrialPictures(tmp_path, painter)
        pictures.keep("007", outputs)
        (file,) = tmp_path.iterdir()
        for size in (0, 50, 5000):
            file.write_bytes(file.read_bytes()[:size])
            drawing = pictures.drawing("007", None)
            assert drawing is not None
            with pytest.raises((ValueError, EOFError)):
                drawing()


class Later(MemoryTracker):
    """Draws as a tracker with a thread of its own does: when the search is over."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[tuple[str, bytes | Drawing]] = []

    def log_image(self, key: str, name: str, picture: bytes | Drawing, step: int = 0) -> None:
        self.waiting.append((key, picture))


class Killed(MemoryTracker):
    """The process dies when the journal says that the second trial is done, MLflow not yet."""

    def log_image(self, key: str, name: str, picture: bytes | Drawing, step: int = 0) -> None:
        if key == "trial/1":
            raise SystemExit(9)
        super().log_image(key, name, picture, step)


class Away(MemoryTracker):
    """A store that goes away with the first trial's end, and is back with the third's."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.kept: list[int] = []  # files, at each end
        self.told: list[Callable[[], None]] = []

    def end_run(
        self, key: str, status: Status, ended: float, written: Callable[[], None] | None = None
    ) -> None:
        if written is not None:
            self.told.append(written)
            self.kept.append(len(list(self.folder.glob("*/pictures/*"))))
            if len(self.told) == 3:
                for tell in self.told:
                    tell()
                self.kept.append(len(list(self.folder.glob("*/pictures/*"))))
        super().end_run(key, status, ended)


def waiting(tuner: Any) -> list[str]:
    """Files of pictures that are not tracked yet."""
    return sorted(path.name for path in (Path(tuner.project_dir) / "pictures").iterdir())


class TestInASearch:
    def test_files_wait_for_a_store_that_is_away_and_no_longer(
        self, tuner_of: TunerOf, tmp_path: Path, fit: dict[str, Any], X: Any, y: Any
    ) -> None:
        tracker = Away(tmp_path)
        tuner_of(tracking=tracker).search(X, y, **fit)
        assert tracker.kept == [1, 2, 3, 0]

    def test_what_a_killed_process_did_not_remove_is_removed(
        self, tuner_of: TunerOf, outputs: Any, fit: dict[str, Any], X: Any, y: Any
    ) -> None:
        first = MemoryTracker()
        tuner = tuner_of(trials=2, tracking=first)
        tuner.search(X, y, **fit)
        file = Path(tuner.project_dir) / "pictures" / "0.npy"
        file.parent.mkdir()
        file.write_bytes(b"of a trial that is tracked")

        class Looking(MemoryTracker):
            def start_run(self, run: NewRun) -> None:
                seen.append(file.exists())
                super().start_run(run)

        seen: list[bool] = []
        tuner_of(trials=3, tracking=Looking(first.runs)).search(X, y, **fit)
        assert seen == [False]

    def test_nothing_is_painted_on_the_thread_that_trains(
        self,
        tuner_of: TunerOf,
        fit: dict[str, Any],
        X: np.ndarray,
        y: np.ndarray,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        threads = []
        paint = BoundaryPainter.paint

        def recorded(painter: BoundaryPainter, outputs: Any) -> bytes:
            threads.append(threading.current_thread().name)
            return paint(painter, outputs)

        monkeypatch.setattr(BoundaryPainter, "paint", recorded)
        tracker = Later()
        tuner_of(tracking=tracker).search(X, y, **fit)
        assert threads == []
        assert [key for key, _ in tracker.waiting] == ["trial/0", "trial/1", "trial/2"]
        pictures: list[bytes] = []
        for _, drawing in tracker.waiting:
            assert not isinstance(drawing, bytes)
            writer = threading.Thread(
                target=lambda draw: pictures.append(draw()), args=(drawing,), name="writer"
            )
            writer.start()
            writer.join()
        assert threads == ["writer"] * 3
        assert all(picture[1:4] == b"PNG" for picture in pictures)

    def test_a_kill_after_the_journal_does_not_cost_the_picture(
        self, tuner_of: TunerOf, fit: dict[str, Any], X: np.ndarray, y: np.ndarray
    ) -> None:
        whole = MemoryTracker()
        tuner_of(tracking=whole, project_name="whole").search(X, y, **fit)

        killed = Killed()
        tuner = tuner_of(tracking=killed)
        with pytest.raises(SystemExit):
            tuner.search(X, y, **fit)
        journal = Journal(tuner.journal.path)
        assert [entry["trial_id"] for entry in journal.of("finished")] == ["0", "1"]
        assert waiting(tuner) == ["1.npy"], "the first one is tracked"

        again = MemoryTracker(killed.runs)
        tuner_of(tracking=again).search(X, y, **fit)
        finished = {run.key: run for run in again.runs if run.status == "FINISHED"}
        assert finished.keys() == {PARENT, "trial/0", "trial/1", "trial/2"}
        for run in whole.runs:
            assert finished[run.key].images == run.images
        assert not (Path(tuner.project_dir) / "pictures").exists()

    def test_a_picture_that_cannot_be_painted_costs_no_trial(
        self,
        tuner_of: TunerOf,
        fit: dict[str, Any],
        X: np.ndarray,
        y: np.ndarray,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def fail(painter: BoundaryPainter, outputs: Any) -> bytes:
            raise MemoryError("no room")

        monkeypatch.setattr(BoundaryPainter, "paint", fail)
        tracker = MemoryTracker()
        line = "run 'trial/0': its picture could not be drawn: MemoryError: no room"
        with warnings.catch_warnings(record=True) as told:
            warnings.filterwarnings("always", message="tracking")
            tuner_of(trials=1, tracking=tracker).search(X, y, **fit)
        assert [str(warning.message) for warning in told] == [f"tracking: {line}"]
        assert tracker.problems == [line]
        assert [run.status for run in tracker.runs] == ["FINISHED", "FINISHED"]
        assert tracker.runs[1].images == {}
