"""All lessons of a ladder: sweeps, the seeds of all models, then one run a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from trialstack.errors import TrialstackError
from trialstack.evaluation.lessons import SeedStudy
from trialstack.experiment import Ladder
from trialstack.pipeline.fixed_models import FixedModel
from trialstack.pipeline.job import Listener
from trialstack.pipeline.lesson import Lesson
from trialstack.pipeline.lesson_runs import Classroom, run_lesson, run_sweep_lesson
from trialstack.pipeline.seeds import study_seeds
from trialstack.pipeline.steps import Step
from trialstack.tracking.off import NullTracker


@dataclass
class Course:
    """The lessons of some models of a ladder.

    Attributes:
        ladder: The experiment.
        models: All of its models in order, by name; those that take their learning rate from a
            sweep are replaced when there is one.
        room: What all lessons share.
        listener: Told how far it is.
        lessons: Name of a model -> its lesson, as they end.
        failures: Name of a model -> why it has none.
    """

    ladder: Ladder
    models: dict[str, FixedModel]
    room: Classroom
    listener: Listener
    lessons: dict[str, Lesson] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def run(self, chosen: Sequence[str]) -> None:
        """Runs the lessons of some models, each of which may fail for itself.

        Args:
            chosen: Their names, in the order of the ladder.
        """
        for name in self._sweeps(chosen):
            self._sweep(name, tracked=name in chosen)
        self._take_rates(chosen)
        fitted = [name for name in chosen if name not in self.lessons | self.failures]
        studies = self._study(fitted)
        for name in fitted:
            self.listener.stage(f"{name}: fitting")
            step = self._step(name)
            self._attempt(name, lambda: run_lesson(self.room, step, studies.get(name)))  # noqa: B023

    def _sweeps(self, chosen: Sequence[str]) -> list[str]:
        """Models with a sweep that are chosen, or whose suggestion a chosen one takes."""
        needed = {
            str(other.name)
            for name in chosen
            if (other := self.ladder.sweep_of(self.models[name].settings)) is not None
        }
        swept = [name for name, model in self.models.items() if model.settings.sweep]
        return [name for name in swept if name in needed or name in chosen]

    def _sweep(self, name: str, *, tracked: bool) -> None:
        self.listener.stage(f"{name}: sweeping the learning rate")
        room = self.room if tracked else replace(self.room, tracker=NullTracker())
        step = self._step(name)
        self._attempt(name, lambda: run_sweep_lesson(room, step))

    def _take_rates(self, chosen: Sequence[str]) -> None:
        """Gives models the learning rates that sweeps suggest."""
        for name in chosen:
            other = self.ladder.sweep_of(self.models[name].settings)
            if other is None:
                continue
            swept = self.lessons.get(str(other.name))
            if swept is None or swept.suggestion is None:
                self._fail(name, f"the sweep of {other.name} suggests no learning rate")
            else:
                self.models[name] = replace(self.models[name], learning_rate=swept.suggestion)
        # One that was swept for another model's sake has no run.
        self.lessons = {name: lesson for name, lesson in self.lessons.items() if name in chosen}
        self.failures = {name: why for name, why in self.failures.items() if name in chosen}

    def _study(self, names: Sequence[str]) -> Mapping[str, SeedStudy]:
        seeds = self.ladder.seeds
        if not seeds or not names:
            return {}
        self.listener.stage(f"training {len(names)} models from {seeds} seeds each")

        def tell(model: FixedModel, study: SeedStudy) -> None:
            self.listener.stage(f"{model.name}: median accuracy {study.median:.3f}")

        models = [self.models[name] for name in names]
        return study_seeds(models, seeds, self.room.data.X, tell)

    def _step(self, name: str) -> Step:
        names = list(self.models)
        place = names.index(name)
        before = self.models[names[place - 1]] if place else None
        return Step.of(self.models[name], before)

    def _attempt(self, name: str, teach: Callable[[], Lesson]) -> None:
        try:
            self.lessons[name] = teach()
        except TrialstackError as error:
            diverged = isinstance(error.__cause__, ArithmeticError)
            self._fail(name, str(error.__cause__ if diverged else error))

    def _fail(self, name: str, reason: str) -> None:
        self.failures[name] = reason
        self.listener.warning(f"{name}: {reason}")
