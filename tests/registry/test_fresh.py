from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time

import mlflow
import numpy as np
import pandas as pd
import pytest

from trialstack.errors import ModelRefusedError
from trialstack.registry import fresh
from trialstack.registry.fresh import FreshProcess, verify

FRAME = pd.DataFrame({"x": [1.0, -3.0, 0.1], "y": [0.5, 0.5, 1 / 3]})
SECOND = 1 / (1 + np.exp(-(FRAME["x"] + 2 * FRAME["y"]))).to_numpy()


@pytest.fixture
def code_model(store, tmp_path):
    """Saves a models-from-code model; returns where."""

    def save(body):
        source = tmp_path / "source.py"
        source.write_text(
            "import mlflow, os, pandas as pd\n"
            "class M(mlflow.pyfunc.PythonModel):\n"
            "    def predict(self, context, model_input: pd.DataFrame, params=None):\n"
            + textwrap.indent(textwrap.dedent(body), " " * 8)
            + "\nmlflow.models.set_model(M())\n"
        )
        from mlflow.models import ModelSignature
        from mlflow.types.schema import AnyType, ColSpec, Schema

        folder = tmp_path / "saved"
        mlflow.pyfunc.save_model(
            str(folder),
            python_model=str(source),
            signature=ModelSignature(Schema([ColSpec(AnyType(), "x"), ColSpec(AnyType(), "y")])),
            input_example=FRAME.set_axis(FRAME.columns.astype(object), axis=1),
            pip_requirements=["mlflow"],
        )
        return str(folder)

    return save


def test_a_logged_model_is_reproduced(process, store, log, sigmoid_model):
    reference = log(sigmoid_model, [0, 1])
    assert verify(process, reference.uri, store.uri, FRAME, SECOND) < 1e-6
    both = np.column_stack([1 - SECOND, SECOND])
    assert verify(process, reference.uri, store.uri, FRAME, both) < 1e-6
    assert verify(process, reference.uri, store.uri, FRAME.head(0), SECOND[:0]) == 0


def test_other_probabilities_are_refused(process, store, log, sigmoid_model):
    reference = log(sigmoid_model, [0, 1])
    off = SECOND + np.array([0, 2e-6, 0])
    with pytest.raises(ModelRefusedError, match=r"differ by up to 2e-06 .* 1e-06 is allowed"):
        verify(process, reference.uri, store.uri, FRAME, off)
    verify(process, reference.uri, store.uri, FRAME, off, tolerance=1e-5)
    with pytest.raises(ModelRefusedError, match="differ by up to nan"):
        verify(process, reference.uri, store.uri, FRAME, SECOND * [np.nan, 1, 1])
    with pytest.raises(ModelRefusedError, match=r"shape \(3, 2\), those logged have \(3, 3\)"):
        verify(process, reference.uri, store.uri, FRAME, np.ones((3, 3)) / 3)


def test_every_bit_of_a_float_arrives_and_comes_back(process, store, code_model):
    values = np.array([1 / 3, 5e-324, -0.0, 1.7976931348623157e308, np.nan, np.inf])
    frame = pd.DataFrame({"x": values, "y": values})
    model = code_model("return model_input")
    answer = process.predict(model, store.uri, frame)
    assert answer["x"].to_numpy().tobytes() == values.tobytes()


def test_types_of_columns_arrive(process, store, code_model):
    frame = pd.DataFrame({"x": [1, 2], "y": ["a", None]})
    answer = process.predict(code_model("return model_input"), store.uri, frame)
    assert answer["x"].dtype == "int64"
    assert answer["y"][0] == "a"
    assert answer["y"].isna().tolist() == [False, True]


def test_trialstack_cannot_be_imported_there(process, store, code_model):
    model = code_model("import trialstack.errors")
    with pytest.raises(ModelRefusedError, match=r"in a fresh process: .*trialstack") as refusal:
        process.predict(model, store.uri, FRAME)
    assert "\n" not in str(refusal.value)


def test_what_a_model_prints_does_no_harm(process, store, code_model, capfd):
    model = code_model(
        """
        print('{"error": "I am the answer"}', flush=True)
        os.write(1, b"noise")
        os.system("echo more noise")
        return model_input
        """
    )
    capfd.readouterr()
    assert len(process.predict(model, store.uri, FRAME)) == 3
    assert capfd.readouterr() == ("", "")


def test_errors_come_back_in_one_line_and_the_process_goes_on(process, store, log, sigmoid_model):
    reference = log(sigmoid_model, [0, 1])
    with pytest.raises(ModelRefusedError) as refusal:
        process.predict(f"models:/m-{'0' * 32}", store.uri, FRAME)
    assert "\n" not in str(refusal.value)
    assert "in a fresh process: MlflowException: " in str(refusal.value)
    with pytest.raises(
        ModelRefusedError, match=r"MlflowException: Model is missing inputs \['y'\]\.$"
    ):
        process.predict(reference.uri, store.uri, FRAME[["x"]])
    with pytest.raises(ModelRefusedError, match="text 'b' stands where a number is wanted"):
        process.predict(reference.uri, store.uri, FRAME.assign(y=["1", "b", "2"]))
    assert len(process.predict(reference.uri, store.uri, FRAME)) == 3


def test_no_answer_in_time():
    process = FreshProcess.start()
    with pytest.raises(ModelRefusedError, match=r"gave no answer within 0\.01 s"):
        process.predict("models:/m-0", "sqlite://", FRAME, timeout=0.01)
    with pytest.raises(ModelRefusedError, match="ended"):
        process.predict("models:/m-0", "sqlite://", FRAME)
    process.close()


def test_a_process_that_dies_says_why(tmp_path):
    (tmp_path / "keras.py").write_text("raise SystemExit('no Keras today')")
    with (
        FreshProcess.start({"PYTHONPATH": str(tmp_path)}) as process,
        pytest.raises(ModelRefusedError) as refusal,
    ):
        process.predict("models:/m-0", "sqlite://", FRAME)
    assert str(refusal.value) == (
        "the fresh process that checks the model ended (exit status 1): no Keras today"
    )


def test_closing_does_not_wait_until_it_ends_by_itself(tmp_path, monkeypatch):
    child = tmp_path / "child.py"
    child.write_text("import sys; sys.stdin.read()")  # until its input is closed
    monkeypatch.setattr(fresh, "CHILD", child)
    with FreshProcess.start() as process:
        pass
    assert process._process.returncode == -signal.SIGKILL


def test_closing_twice_is_harmless_and_leaves_no_folder():
    process = FreshProcess.start()
    folder = process._folder.name
    process._process.kill()
    process.close()
    process.close()
    assert not os.path.exists(folder)  # noqa: PTH110


def alive(pid):
    try:
        os.kill(pid, 0)
        stat = open(f"/proc/{pid}/stat")  # noqa: PTH123, SIM115
    except (ProcessLookupError, FileNotFoundError):
        return False
    with stat:
        return stat.read().rsplit(")", 1)[1].split()[0] != "Z"


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs /proc")  # noqa: PTH112
def test_it_does_not_outlive_a_killed_parent(tmp_path):
    (tmp_path / "keras.py").write_text(
        "class Anything:\n"
        "    def __init__(self, *args): pass\n"
        "    def __call__(self, rows): return rows\n"
        "Input = Sequential = Anything\n"
        "class layers:\n"
        "    Dense = Anything\n"
    )
    (tmp_path / "mlflow").mkdir()
    (tmp_path / "mlflow" / "__init__.py").write_text("")
    (tmp_path / "mlflow" / "pyfunc.py").write_text("")
    program = (
        "import time\n"
        "from trialstack.registry.fresh import FreshProcess\n"
        f"process = FreshProcess.start({{'PYTHONPATH': {str(tmp_path)!r}}})\n"
        "ready = process._answers.get()\n"
        "print(process._process.pid, process._folder.name, ready, flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
    ) as parent:
        pid, folder, ready = parent.stdout.readline().split(maxsplit=2)
        assert "ready" in ready
        assert alive(int(pid))
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    for _ in range(600):
        if not alive(int(pid)):
            break
        time.sleep(0.05)
    assert not alive(int(pid))
    assert not os.path.exists(folder)  # noqa: PTH110
