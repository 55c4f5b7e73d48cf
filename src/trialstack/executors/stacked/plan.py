"""All that decides how one trial is trained: its chain, optimizer, loss, metrics and `fit` call."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from trialstack.executors.stacked.chain import Chain, chain_of
from trialstack.executors.stacked.fit_call import Fit, fit_of
from trialstack.executors.stacked.metrics import StackedMetric, metrics_of
from trialstack.executors.stacked.reasons import Unstackable
from trialstack.executors.stacked.updates import OF_A_TRIAL
from trialstack.trials import TrialSpec

OPTIMIZERS = frozenset(
    {"SGD", "Adam", "AdamW", "Adamax", "Nadam", "RMSprop", "Adagrad", "Adadelta", "Ftrl", "Lion"}
)
"""Keras' optimizers whose update of a number depends on that number and its gradient alone."""

UNUSED = ("clipnorm", "global_clipnorm", "loss_scale_factor", "gradient_accumulation_steps")
"""Settings of optimizers that couple weights with each other, or steps."""

EXCLUDING = ("_exclude_from_weight_decay", "_exclude_from_weight_decay_pattern")

LOSSES: Mapping[Any, str] = {
    keras.losses.BinaryCrossentropy: "binary",
    keras.losses.CategoricalCrossentropy: "categorical",
    keras.losses.SparseCategoricalCrossentropy: "sparse",
    keras.losses.binary_crossentropy: "binary",
    keras.losses.categorical_crossentropy: "categorical",
    keras.losses.sparse_categorical_crossentropy: "sparse",
}
"""Classes, not names: a subclass may compute something else."""

OUTPUTS = {"binary": {"sigmoid", "values"}, "categorical": {"softmax", "values"}}
OUTPUTS["sparse"] = OUTPUTS["categorical"]
"""Kind of a loss -> activations that it knows the logits of; Keras takes any for the right one."""

OVERRIDDEN = frozenset(
    {"call", "compute_loss", "compute_metrics", "fit", "test_step", "train_step"}
)
"""Methods that somebody may have replaced in a model alone."""


@dataclass(frozen=True)
class Loss:
    """A cross-entropy.

    Attributes:
        kind: `binary`, `categorical` or `sparse`.
        from_logits: Whether the model's output is taken for logits.
        label_smoothing: As Keras has it.
    """

    kind: str
    from_logits: bool
    label_smoothing: float


@dataclass(frozen=True)
class TrialPlan:
    """One trial, read."""

    spec: TrialSpec
    model: Any
    chain: Chain
    optimizer: Any
    loss: Loss
    metrics: tuple[StackedMetric, ...]
    fit: Fit

    @property
    def key(self) -> tuple[Any, ...]:
        """Equal for trials that can share a stack."""
        return (self.chain.before, self.kind, self.outputs, self.fit.key)

    @property
    def rows_key(self) -> tuple[Any, ...]:
        """Equal for trials that are trained on the same tensors."""
        return (self.chain.before, self.loss.kind, self.fit.key)

    @property
    def kind(self) -> tuple[Any, ...]:
        """Equal for trials that one function can train: those of a stack, and of other rows."""
        return (
            self.chain.kind,
            _optimizer_key(self.optimizer),
            self.loss,
            tuple(metric.key for metric in self.metrics),
        )

    @property
    def outputs(self) -> int:
        """Numbers that a trial predicts for a row."""
        return int(self.model.outputs[0].shape[-1])

    @property
    def size(self) -> int:
        """Number of weights."""
        return sum(int(np.prod(slot.shape)) for link in self.chain.links for slot in link.slots)


def plan_of(spec: TrialSpec, model: Any, fit_arguments: Mapping[str, Any]) -> TrialPlan:
    """Reads a compiled model and the `fit` call that is to train it.

    Raises:
        Unstackable: Something about them needs `model.fit` itself.
    """
    chain = chain_of(model)
    _check_compiled(model)
    _check_optimizer(model.optimizer)
    loss = _loss_of(model.loss)
    fit = fit_of(fit_arguments)
    metrics = metrics_of(model, fit.y)
    plan = TrialPlan(spec, model, chain, model.optimizer, loss, metrics, fit)
    _check_outputs(plan)
    return plan


def _check_outputs(plan: TrialPlan) -> None:
    output, kind, count = plan.chain.output, plan.loss.kind, plan.outputs
    if output not in OUTPUTS[kind] or (kind != "binary" and count == 1):
        raise Unstackable(f"{count} outputs by {output} with a {kind} cross-entropy")
    per_row = 1 if kind == "sparse" else count
    for y in (plan.fit.y, *(plan.fit.validation or ())[1:2]):
        if y.size != len(y) * per_row:
            raise Unstackable("targets of another shape than the outputs")


def _check_compiled(model: Any) -> None:
    if model.loss is None or isinstance(model.loss, dict | list | tuple):
        raise Unstackable("no loss, or several")
    if getattr(model, "_compile_config", None) is None:
        raise Unstackable("a model that is not compiled")
    compiled = model._compile_config.config
    if compiled.get("loss_weights") or compiled.get("weighted_metrics"):
        raise Unstackable("loss weights or weighted metrics")
    if model.run_eagerly or compiled.get("steps_per_execution", 1) != 1:
        raise Unstackable("eager execution, or several steps an execution")
    if OVERRIDDEN & vars(model).keys():
        raise Unstackable("a train_step or fit of its own")


def _check_optimizer(optimizer: Any) -> None:
    name = type(optimizer).__name__
    if name not in OPTIMIZERS or not type(optimizer).__module__.startswith("keras."):
        raise Unstackable(f"the optimizer {name}")
    if any(getattr(optimizer, setting, None) for setting in UNUSED) or optimizer.use_ema:
        raise Unstackable(f"clipping by norm, accumulation or averaging in {name}")
    if any(getattr(optimizer, setting, None) for setting in EXCLUDING):
        raise Unstackable("weights excluded from weight decay")
    if not hasattr(optimizer._learning_rate, "shape"):
        raise Unstackable("a learning rate schedule")


def _optimizer_key(optimizer: Any) -> tuple[Any, ...]:
    own = {"name", "learning_rate", *OF_A_TRIAL.get(type(optimizer).__name__, ())}
    config = {k: v for k, v in _optimizer_config(optimizer).items() if k not in own}
    config["weight_decay"] = config.get("weight_decay") is not None
    return (type(optimizer).__name__, *sorted((k, repr(v)) for k, v in config.items()))


def _optimizer_config(optimizer: Any) -> dict[str, Any]:
    names = [n for n in inspect.signature(type(optimizer).__init__).parameters if n != "self"]
    return {name: getattr(optimizer, name) for name in names if hasattr(optimizer, name)}


def _loss_of(loss: Any) -> Loss:
    found = keras.losses.get(loss)
    if not isinstance(found, keras.losses.Loss):
        if found not in LOSSES:
            raise Unstackable(f"the loss {getattr(found, '__name__', found)}")
        return Loss(LOSSES[found], False, 0.0)
    kind = LOSSES.get(type(found))
    if kind is None or found.reduction not in {"sum_over_batch_size", "auto"}:
        raise Unstackable(f"the loss {type(found).__name__} or its reduction")
    if getattr(found, "ignore_class", None) is not None or getattr(found, "axis", -1) != -1:
        raise Unstackable("a loss that ignores a class")
    return Loss(kind, bool(found.from_logits), float(getattr(found, "label_smoothing", 0.0)))
