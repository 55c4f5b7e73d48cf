"""One step of a ladder of fixed models: what a model is, and what changed since the one before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trialstack.experiment import ModelSettings
from trialstack.hypermodels.naming import format_value
from trialstack.pipeline.fixed_models import FixedModel
from trialstack.tracking.tags import CHANGED, ORDER

Settings = Mapping[str, str]
"""What a model is, for people: name of a part -> value. Parts that are not there are left out."""


def settings_of(model: FixedModel) -> Settings:
    """What is trained and how, in the order in which one would tell it."""
    settings = model.settings
    layers = ("l1", "l2", "dropout")
    switches = ("batch_normalization", "standardize")
    return {
        "hidden layers": hidden_layers(settings),
        "output": settings.output or ("sigmoid" if model.n_classes == 2 else "softmax"),
        **{name: format_value(value) for name in layers if (value := getattr(settings, name))},
        **{name.replace("_", " "): "yes" for name in switches if getattr(settings, name)},
        "optimizer": settings.optimizer,
        "learning rate": _learning_rate(model),
        "epochs": " + ".join(map(str, settings.epochs)),
        "batch size": str(settings.batch_size),
        "rows": _rows(model),
    }


def hidden_layers(settings: ModelSettings) -> str:
    """The hidden layers in a few words.

    >>> hidden_layers(ModelSettings.model_validate({"units": [4, 4], "epochs": 1}))
    '4-4 relu'
    >>> different = {"units": [8, 4], "activation": ["relu", "tanh"], "epochs": 1}
    >>> hidden_layers(ModelSettings.model_validate(different))
    '8 relu, 4 tanh'
    >>> hidden_layers(ModelSettings.model_validate({"units": [], "epochs": 1}))
    'none'
    """
    if not settings.units:
        return "none"
    if len(set(settings.activations)) == 1:
        return f"{'-'.join(map(str, settings.units))} {settings.activations[0]}"
    pairs = zip(settings.units, settings.activations, strict=True)
    return ", ".join(f"{width} {name}" for width, name in pairs)


def _learning_rate(model: FixedModel) -> str:
    schedule, given = model.settings.schedule, model.settings.learning_rate
    if schedule is not None:
        return f"{schedule.start:g} towards {schedule.stop:g}"
    if isinstance(given, str) and model.learning_rate is None:
        return f"as {given} suggests"
    return format_value(model.learning_rate or default_rate(model.settings.optimizer))


def default_rate(optimizer: str) -> float:
    """Keras' learning rate of an optimizer that is given none."""
    import keras

    return float(f"{float(keras.optimizers.get(optimizer).learning_rate):.6g}")  # from float32


def _rows(model: FixedModel) -> str:
    if model.on_all_rows:
        return f"all {len(model.train):,}"
    return f"{len(model.train):,} to train, {len(model.judged):,} to test"


def changes(settings: Settings, before: Settings | None) -> list[str]:
    """Names of the parts that differ from the model before; none if there is no such model."""
    if before is None:
        return []
    names = dict.fromkeys([*settings, *before])
    return [name for name in names if settings.get(name) != before.get(name)]


PHRASES = {
    "hidden layers": "hidden {}",
    "output": "{} output",
    "optimizer": "{}",
    "learning rate": "rate {}",
    "epochs": "{} epochs",
    "batch size": "batches of {}",
    "rows": "{}",
}
"""How a part is told in a row of a table; other parts by name and value."""

AT_FIRST = ("hidden layers", "output", "optimizer", "learning rate", "epochs")
"""What is told of a model that has no other before it."""


def what_changed(settings: Settings, before: Settings | None) -> str:
    """What is new, in a few words.

    >>> old = {"hidden layers": "none", "output": "linear", "optimizer": "sgd",
    ...        "learning rate": "0.01", "epochs": "5"}
    >>> what_changed(old, None)
    'no hidden layer, linear output, sgd, rate 0.01, 5 epochs'
    >>> what_changed({**old, "output": "sigmoid", "l2": "0.1"}, old)
    'sigmoid output, l2 0.1'
    """
    names: Sequence[str] = AT_FIRST if before is None else changes(settings, before)
    told = []
    for name in names:
        value = settings.get(name, "none")
        if name == "hidden layers" and value == "none":
            told.append("no hidden layer")
        else:
            told.append(PHRASES.get(name, f"{name} {{}}").format(value))
    return ", ".join(told) or "nothing"


@dataclass(frozen=True)
class Step:
    """One step of a ladder: a model beside the one before it.

    Attributes:
        model: What is trained.
        settings: What it is, for people.
        before: The same of the model before it; None = it is the first.
        before_name: Name of that model.
        swept_by: Name of the model whose sweep suggested its learning rate; empty = none.
    """

    model: FixedModel
    settings: Settings
    before: Settings | None
    before_name: str
    swept_by: str = ""

    @classmethod
    def of(cls, model: FixedModel, before: FixedModel | None) -> Step:
        """A step from the models themselves."""
        rate = model.settings.learning_rate
        return cls(
            model,
            settings_of(model),
            settings_of(before) if before else None,
            before.name if before else "",
            rate if isinstance(rate, str) else "",
        )

    @property
    def key(self) -> str:
        """Of its run."""
        return f"model/{self.model.order}"

    @property
    def changed(self) -> str:
        """What is new, in a few words."""
        return what_changed(self.settings, self.before)

    @property
    def tags(self) -> dict[str, str]:
        """Of its run: its place among the others, and what is new."""
        names = ", ".join(changes(self.settings, self.before))
        return {ORDER: self.model.order, **({CHANGED: names} if names else {})}
