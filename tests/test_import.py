"""What `import trainboard` loads."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("numpy", "sqlalchemy", "torch", "tensorflow", "keras", "dash", "plotly", "PIL")


def run_python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def test_importing_trainboard_imports_nothing_heavy() -> None:
    code = f"import trainboard, sys; print(*[name for name in {HEAVY} if name in sys.modules])"
    assert run_python(code).split() == []


def test_init_and_log_import_nothing_heavy_where_the_program_waits(tmp_path) -> None:
    code = f"""
import sys, trainboard as tb
run = tb.init(store={str(tmp_path / "s.db")!r}, mode="offline")
run.log({{"loss": 1.0, "count": 2}})
run.finish()
print(*[name for name in {HEAVY} if name in sys.modules])
"""
    assert run_python(code).split() == []


def test_every_public_name_can_be_loaded() -> None:
    code = """
import trainboard as tb
for name in tb.__all__:
    if name not in ("config", "summary", "KerasCallback", "KerasTensorBoard", "TensorFlowHook", "tf_summary"):
        getattr(tb, name)
print(tb.run, set(tb.__all__) <= set(dir(tb)))
"""
    assert run_python(code).split() == ["None", "True"]


def test_an_unknown_name_is_an_attribute_error() -> None:
    code = """
import trainboard as tb
try:
    tb.imit
except AttributeError as error:
    print("imit" in str(error))
"""
    assert run_python(code).split() == ["True"]
