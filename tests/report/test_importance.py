from __future__ import annotations

import numpy as np

from trialstack.report.importance import hyperparameter_importances
from trialstack.report.search import Trial


def trial(number: int, score: float | None, **values: object) -> Trial:
    return Trial(
        f"{number:03d}", number, "", "FINISHED", values, score, 0, 1, 1.0, "", 0.0, "epochs"
    )  # type: ignore[arg-type]


def search(count: int, score_of) -> list[Trial]:
    rng = np.random.default_rng(1)
    trials = []
    for number in range(count):
        rate, units = float(rng.uniform()), int(rng.integers(4, 64))
        kind = ("relu", "tanh")[int(rng.integers(2))]
        values = {"rate": rate, "units": units, "kind": kind, "fixed": 3}
        if kind == "tanh":
            values["gain"] = float(rng.uniform())
        trials.append(trial(number, score_of(values), **values))
    return trials


def test_what_makes_the_score_is_found_and_chance_is_not() -> None:
    found = hyperparameter_importances(search(60, lambda v: v["rate"] ** 3))
    assert found.reason == ""
    assert found.ranking[0].name == "rate"
    assert {one.name for one in found.ranking} == {"rate", "units", "kind", "gain"}
    rate, *others = found.ranking
    assert rate.low > 0.5
    assert found.explained > 0.7
    assert found.is_telling
    assert max(abs(one.mean) for one in others) < 0.1


def test_text_and_its_interaction_count() -> None:
    def score(values: dict) -> float:
        return values["gain"] if values["kind"] == "tanh" else 2.0

    found = hyperparameter_importances(search(80, score))
    assert {one.name for one in found.ranking[:2]} == {"kind", "gain"}


def test_pure_chance_is_said_to_be_that() -> None:
    noise = np.random.default_rng(3)
    found = hyperparameter_importances(search(60, lambda _: float(noise.uniform())))
    assert found.explained < 0.1
    assert not found.is_telling


def test_why_nothing_can_be_said() -> None:
    few = search(25, lambda v: v["rate"] if v["units"] > 20 else None)
    scored = sum(one.score is not None for one in few)
    assert hyperparameter_importances(few[:1]).reason.startswith("1 trial has a score")
    if scored < 20:
        assert hyperparameter_importances(few).reason.startswith(f"{scored} trials have a score")
    same = hyperparameter_importances(search(30, lambda _: 0.5))
    assert (same.reason, same.ranking) == ("all trials have the same score", ())
    alike = [trial(k, k / 30, units=4) for k in range(30)]
    assert hyperparameter_importances(alike).reason == "no hyperparameter varies"


def test_the_same_trials_have_the_same_importances() -> None:
    trials = search(30, lambda v: v["units"])
    assert hyperparameter_importances(trials) == hyperparameter_importances(trials)
