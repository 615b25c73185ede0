"""What a site installs: every package by version and hash, everything the metadata asks for, from nowhere by name."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
KINDS = {"bedside": ("app", "exchange"), "service": ("cloud",)}


def name_of(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found is not None
    return re.sub(r"[-_.]+", "-", found[0]).lower()


@pytest.mark.parametrize("kind", KINDS)
def test_every_package_is_locked_by_its_hash(kind: str) -> None:
    text = (ROOT / "resources" / "locks" / f"{kind}.txt").read_text("utf-8")
    entries = [e for e in re.split(r"\n(?=[A-Za-z0-9])", text) if e.strip() and not e.startswith("#")]
    locked = set()
    for entry in entries:
        named = re.match(
            r"([A-Za-z0-9._-]+)==[^\s;]+(?: ; [^\n]*?)?(?: \\\n\s+--hash=sha256:[0-9a-f]{64})+\s*(?:\n#.*)*$",
            entry.rstrip(),
        )
        assert named, entry[:80]
        locked.add(name_of(named[1]))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    asked = [r for r in project["dependencies"] if "win32" not in r]
    for extra in KINDS[kind]:
        asked += project["optional-dependencies"][extra]
    assert {name_of(r) for r in asked} <= locked
    assert "://" not in text


WITHOUT_A_SCREEN = """
import importlib, pkgutil, sys
class Bar:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"PySide6", "pyqtgraph", "onnxruntime", "wfdb", "edfio", "pyxdf", "pandas", "torch"}:
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Bar())
import hemoview.cloud
found = [m.name for m in pkgutil.walk_packages(hemoview.cloud.__path__, "hemoview.cloud.")]
reports = [f"hemoview.report.session.{part}" for part in ("session_report", "plots", "excel")]
for name in [*found, *reports]:
    if "migrations" not in name:
        importlib.import_module(name)
"""


def test_a_service_needs_neither_screen_nor_model_nor_foreign_formats() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_A_SCREEN], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
