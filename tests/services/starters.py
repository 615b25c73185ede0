"""``.ci/servers``: what ``make test-services`` starts, for a test that wants one of its own."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

_CI = str(Path(__file__).parents[2] / ".ci")


def starter(name: str) -> ModuleType:
    """The module ``.ci/servers/NAME.py``."""
    if _CI not in sys.path:
        sys.path.append(_CI)
    return importlib.import_module(f"servers.{name}")
