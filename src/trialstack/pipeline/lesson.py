"""What one model teaches: its scores, how many seeds agree, and all that in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from trialstack.evaluation.lessons import SeedStudy, Verdict, judge, percent, share_within, words
from trialstack.hypermodels.naming import format_value
from trialstack.markdown import table
from trialstack.pipeline.steps import Step, changes

Figures = tuple[float | None, float | None]
"""Loss and accuracy."""


@dataclass(frozen=True)
class Lesson:
    """What came of a step.

    Attributes:
        step: The step.
        loss: Cross-entropy on the rows that the model is judged by; None of a sweep.
        accuracy: On the same rows.
        stages: Loss and accuracy at the end of each stage but the last.
        study: What many seeds came to; None = there was no such study.
        share: Share of the seeds with the tutorial's outcome; None = nobody says what it is.
        verdict: Whether the lesson holds; None = nobody has said when it would, or looked.
        suggestion: Learning rate that a sweep suggests.
    """

    step: Step
    loss: float | None = None
    accuracy: float | None = None
    stages: tuple[tuple[float, float], ...] = ()
    study: SeedStudy | None = None
    share: float | None = None
    verdict: Verdict | None = None
    suggestion: float | None = None

    def judged_by(self, study: SeedStudy | None) -> Lesson:
        """The same, with what many seeds came to."""
        if study is None:
            return self
        settings = self.step.model.settings
        share = share_within(study.accuracies, settings.outcome) if settings.outcome else None
        expected = settings.expect
        verdict = judge(study.accuracies, expected.expectation) if expected else None
        return replace(self, study=study, share=share, verdict=verdict)

    @property
    def tutorial(self) -> Figures:
        """The tutorial's loss and accuracy at the end."""
        tutorial = self.step.model.settings.tutorial
        loss, accuracy = (tutorial.loss, tutorial.accuracy) if tutorial else (None, None)
        return loss[-1] if loss else None, accuracy[-1] if accuracy else None

    @property
    def rows(self) -> str:
        """What the model is judged by, in words."""
        model = self.step.model
        return f"{'all' if model.on_all_rows else 'the'} {len(model.judged):,} {model.judged_by}"


def describe(lesson: Lesson) -> str:
    """The description of a model's run in Markdown; its first line is the result."""
    result = (
        f"Accuracy **{figure(lesson.accuracy, 3)}**, loss {figure(lesson.loss, 4)} on "
        f"{lesson.rows}{verdict_words(lesson)}."
    )
    parts = [result, *about(lesson.step), results_table(_results(lesson))]
    if lesson.study is not None:
        parts.append(seeds_sentence(lesson))
    return "\n\n".join(parts)


def about(step: Step) -> list[str]:
    """What every description of a step has: the lesson, and what changed."""
    settings = step.model.settings
    since = f"New since {step.before_name}: " if step.before_name else ""
    new = f"{since}{step.changed}."
    if step.swept_by:
        new += f" The rate is what the sweep of {step.swept_by} suggests."
    if settings.tutorial and settings.tutorial.learning_rate:
        theirs = " to ".join(map(format_value, settings.tutorial.learning_rate))
        new += f" The tutorial took {theirs}."
    lesson = [f"*{settings.lesson}*"] if settings.lesson else []
    return [*lesson, new[0].upper() + new[1:], settings_table(step)]


def verdict_words(lesson: Lesson) -> str:
    """Whether a lesson holds, to be put behind a result."""
    verdict = lesson.verdict
    if verdict is None:
        return ""
    over = f"over {len(lesson.study)} seeds " if lesson.study is not None else ""
    holds = "the lesson holds" if verdict.holds else "**the lesson does not hold**"
    return f"; {over}{holds}: {verdict.found} (wanted: {verdict.wanted})"


def seeds_sentence(lesson: Lesson) -> str:
    """How many of the seeds come to the tutorial's outcome."""
    study, outcome = lesson.study, lesson.step.model.settings.outcome
    assert study is not None
    if outcome is None or lesson.share is None:
        return f"The table `seeds.json` has all {len(study)} seeds."
    seed = lesson.step.model.settings.seed
    own = share_within([lesson.accuracy or 0.0], outcome) == 1
    return (
        f"{percent(lesson.share)} of {len(study)} seeds come to the tutorial's outcome (accuracy "
        f"{words(outcome)}). This run, from seed {seed}, is "
        f"{'one of them' if own else '**not** one of them'}. Picture: `plots/seeds.png`; all "
        "seeds: `seeds.json`."
    )


def settings_table(step: Step) -> str:
    """A model's settings in Markdown; beside those of the model before, what differs in bold."""
    settings, before, name = step.settings, step.before, step.model.name
    if before is None:
        return table(["", name], list(settings.items()))
    different = set(changes(settings, before))
    lines = []
    for part in dict.fromkeys([*settings, *before]):
        old, new = before.get(part, "none"), settings.get(part, "none")
        lines.append([f"**{part}**", old, f"**{new}**"] if part in different else [part, old, new])
    return table(["", step.before_name, name], lines)


def _results(lesson: Lesson) -> dict[str, Figures]:
    """Whose loss and accuracy there are to compare."""
    settings = lesson.step.model.settings
    rows: dict[str, Figures] = {}
    for number, scores in enumerate(lesson.stages, 1):
        rows[f"after {sum(settings.epochs[:number])} epochs"] = scores
        theirs = _tutorial_at(lesson, number - 1)
        if theirs != (None, None):
            rows[f"after {sum(settings.epochs[:number])} epochs, the tutorial"] = theirs
    rows["this run"] = (lesson.loss, lesson.accuracy)
    if lesson.tutorial != (None, None):
        rows["the tutorial"] = lesson.tutorial
    if lesson.study is not None:
        rows[f"median of {len(lesson.study)} seeds"] = (
            lesson.study.median_loss,
            lesson.study.median,
        )
    return rows


def _tutorial_at(lesson: Lesson, stage: int) -> Figures:
    """The tutorial's figures at the end of a stage, if it has figures of stages."""
    tutorial = lesson.step.model.settings.tutorial
    if tutorial is None:
        return None, None
    loss, accuracy = tutorial.loss or (), tutorial.accuracy or ()
    return (
        loss[stage] if len(loss) > 1 else None,
        accuracy[stage] if len(accuracy) > 1 else None,
    )


def results_table(rows: Mapping[str, Figures]) -> str:
    """Losses and accuracies side by side, in Markdown.

    >>> print(results_table({"this run": (0.2948, 0.991), "the tutorial": (None, 1.0)}))
    | &nbsp;&nbsp; | loss&nbsp;&nbsp; | accuracy&nbsp;&nbsp; |
    | --- | --- | --- |
    | this run&nbsp;&nbsp; | 0.2948&nbsp;&nbsp; | 0.991&nbsp;&nbsp; |
    | the tutorial&nbsp;&nbsp; | -&nbsp;&nbsp; | 1.000&nbsp;&nbsp; |
    """
    lines = [
        [name, figure(loss, 4), figure(accuracy, 3)] for name, (loss, accuracy) in rows.items()
    ]
    return table(["", "loss", "accuracy"], lines)


def figure(value: float | None, decimals: int) -> str:
    """A number, or a dash where there is none.

    >>> figure(0.5, 3), figure(None, 3)
    ('0.500', '-')
    """
    return "-" if value is None else f"{value:.{decimals}f}"
