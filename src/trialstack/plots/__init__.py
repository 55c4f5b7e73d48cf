"""Plots: each has a function that computes plain data and one that draws it.

The functions here take a Keras model, a history, or rows as they are, and return a matplotlib
`Figure` that Jupyter shows as it is.

Example:
    ```python
    from trialstack import plots

    history = model.fit(X_train, y_train, validation_split=0.2, epochs=50)
    plots.learning_curves(history)
    plots.decision_boundary(model, X_train, y_train, test=(X_test, y_test))
    plots.confusion_matrix(model, X_test, y_test)
    ```
"""

# Nothing heavy is imported here: each module imports matplotlib, scikit-learn and Keras at the
# first use of a function.
from trialstack.plots.boundary import decision_boundary
from trialstack.plots.counts import class_counts
from trialstack.plots.curves import learning_curves
from trialstack.plots.model_evaluation import (
    calibration,
    confusion_matrix,
    precision_recall,
    roc,
)
from trialstack.plots.scatter import data_scatter

__all__ = [
    "calibration",
    "class_counts",
    "confusion_matrix",
    "data_scatter",
    "decision_boundary",
    "learning_curves",
    "precision_recall",
    "roc",
]
