"""Run as a script, it is `trialstack` on a machine on which an epoch takes long.

python tests/faults/slow.py 3.5 tune experiment.toml
"""

from __future__ import annotations

import sys
import time
from typing import Any

from trialstack.cli import main
from trialstack.tuners.recording import Execution

if __name__ == "__main__":
    _, seconds, *arguments = sys.argv
    add = Execution.add

    def add_later(execution: Execution, *values: Any, **more: Any) -> None:
        time.sleep(float(seconds))
        add(execution, *values, **more)

    Execution.add = add_later  # type: ignore[method-assign]
    sys.argv = ["trialstack", *arguments]
    main(arguments)
