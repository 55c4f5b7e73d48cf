"""The program of the fresh process: loads a model as a stranger would, and scores a table.

It is run by its path in a process of its own and imports nothing of trialstack, which it makes
unimportable. One JSON object a line goes each way; tables lie in Parquet files.

    <- {"ready": true}                                        when the libraries are imported
    -> {"model_uri": ..., "tracking_uri": ..., "rows": FILE, "scores": FILE}
    <- {"scored": 143}          or          <- {"error": "one line"}

The end of standard input ends the process, so it never outlives the one that started it. Its
argument is the folder of these files, which it removes then: who started it was killed.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import sys
from typing import Any

LONGEST_REASON = 500
"""Characters of an error's text that are passed on."""


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Does what a request asks; an error becomes an answer."""
    import mlflow
    import pandas as pd

    try:
        mlflow.set_tracking_uri(request["tracking_uri"])
        mlflow.set_registry_uri(request["tracking_uri"])
        model = mlflow.pyfunc.load_model(request["model_uri"])
        scores = model.predict(pd.read_parquet(request["rows"]))
        scores.to_parquet(request["scores"])
    except Exception as error:
        return {"error": one_line(error)}
    return {"scored": len(scores)}


def one_line(error: Exception) -> str:
    r"""An error's type and text; of MLflow's schema errors, which show the table, only the reason.

    Example:
        >>> one_line(ValueError("Failed to enforce ...\n  x\n0 1\nError: missing\ninputs"))
        'ValueError: missing inputs'
    """
    text = " ".join(str(error).rsplit("Error: ", 1)[-1].split())
    return f"{type(error).__name__}: {text:.{LONGEST_REASON}}"


def warm_up() -> None:
    """Does what is slow the first time, while the parent does other work."""
    import keras
    import mlflow.pyfunc
    import numpy as np
    import pandas as pd

    with contextlib.suppress(ImportError):  # a slim MLflow, which knows tracking servers only
        import mlflow.store.model_registry.sqlalchemy_store
        import mlflow.store.tracking.sqlalchemy_store  # noqa: F401
    pd.DataFrame({"x": [0.0]}).to_parquet(io.BytesIO())
    keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])(np.zeros((1, 1)))


def main() -> None:
    """Answers requests until standard input ends."""
    # What libraries print must not end up between the answers: the pipe gets a descriptor of its
    # own, and descriptor 1 becomes the error log.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.modules["trialstack"] = None  # type: ignore[assignment]

    warm_up()
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), file=answers, flush=True)
    shutil.rmtree(sys.argv[1], ignore_errors=True)
    os._exit(0)  # nothing is left to be saved, and TensorFlow takes seconds to take itself down


if __name__ == "__main__":
    main()
