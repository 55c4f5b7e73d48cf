"""What fitting a ladder comes to, as `train --json` prints it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trialstack.durations import seconds_of_process
from trialstack.pipeline.lesson import Lesson
from trialstack.tuners.journal import plain


@dataclass(frozen=True)
class LessonRun:
    """A lesson and its run."""

    lesson: Lesson
    run_id: str

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        lesson, step = self.lesson, self.lesson.step
        loss, accuracy = lesson.tutorial
        study, verdict = lesson.study, lesson.verdict
        tutorial = step.model.settings.tutorial
        return {
            "name": step.model.name,
            "order": step.model.order,
            "run_id": self.run_id,
            "changed": step.changed,
            "rows": "all" if step.model.on_all_rows else "test",
            "learning_rate": step.model.learning_rate,
            "suggested_learning_rate": lesson.suggestion,
            "loss": lesson.loss,
            "accuracy": lesson.accuracy,
            "stages": [dict(zip(("loss", "accuracy"), end, strict=True)) for end in lesson.stages],
            "tutorial": {
                "loss": loss,
                "accuracy": accuracy,
                "learning_rate": tutorial and tutorial.learning_rate,
            },
            "seeds": study
            and {
                "count": len(study),
                "median_loss": study.median_loss,
                "median_accuracy": study.median,
                "as_tutorial": lesson.share,
                "accuracies": study.accuracies.tolist(),
            },
            "lesson": step.model.settings.lesson,
            "holds": verdict and verdict.holds,
            "found": verdict and verdict.found,
            "wanted": verdict and verdict.wanted,
        }


@dataclass(frozen=True)
class TrainResult:
    """What `trialstack.pipeline.train.train` returns.

    Attributes:
        experiment: Its name.
        tracking_uri: Absolute, without a password.
        runs: Of the models that were fitted, in the order of the file.
        failures: Name of a model -> why it was not.
        links: Name of a page -> address.
    """

    experiment: str
    tracking_uri: str
    runs: Sequence[LessonRun]
    failures: Mapping[str, str]
    links: Mapping[str, str]

    def as_json(self) -> dict[str, Any]:
        """Plain data for `--json`; the total is what this process has taken until now."""
        document = {
            "experiment": self.experiment,
            "tracking_uri": self.tracking_uri,
            "models": [run.as_json() for run in self.runs],
            "failures": dict(self.failures),
            "seconds": {"total": seconds_of_process()},
        }
        return plain(document)  # type: ignore[no-any-return]
