"""Which hyperparameters a trial really has.

A model that names them in a loop (`units_0`, `units_1`, ... for as many layers as there are) makes
the oracle draw a value for every name it has ever seen, so that a trial of one layer is handed the
width of a second one, too. What nobody asks for while a model is built and trained is not shown as
a setting of it.
"""

from __future__ import annotations

from typing import Any, Self

import keras_tuner


class NotedHyperParameters(keras_tuner.HyperParameters):
    """Hyperparameters that note the names of those that are asked for.

    Attributes:
        noted: The names so far.

    Example:
        >>> drawn = keras_tuner.HyperParameters()
        >>> for name in ("layers", "units_0", "units_1"):
        ...     _ = drawn.Int(name, 1, 3)
        >>> hp = NotedHyperParameters.of(drawn)
        >>> hp.Int("layers", 1, 3), hp.get("units_0")
        (1, 1)
        >>> hp.active_values()
        {'layers': 1, 'units_0': 1}
    """

    def __init__(self) -> None:
        super().__init__()
        self.noted: set[str] = set()

    @classmethod
    def of(cls, hyperparameters: keras_tuner.HyperParameters) -> Self:
        """The same hyperparameters, none of them asked for yet."""
        noted = cls()
        # Copied, but for the descriptions themselves, which nobody changes.
        noted._space = list(hyperparameters.space)
        for name, same_name in hyperparameters._hps.items():
            noted._hps[name] = list(same_name)
        noted.values = dict(hyperparameters.values)
        return noted

    def active_values(self) -> dict[str, Any]:
        """Values that were asked for; all, if nobody asked by name."""
        if not self.noted:
            return dict(self.values)
        return {name: value for name, value in self.values.items() if name in self.noted}

    def get(self, name: str) -> Any:
        """As Keras Tuner's."""
        self.noted.add(self._get_name(name))
        return super().get(name)

    def _retrieve(self, hp: Any) -> Any:
        self.noted.add(hp.name)
        return super()._retrieve(hp)
