"""Which versions write a session."""

from __future__ import annotations

import importlib.metadata
import platform

_NAMED = ("hemoview", "numpy", "pyzmq", "pyarrow")


def software_versions() -> dict[str, str]:
    """What wrote the session."""
    versions = {"python": platform.python_version(), "system": platform.platform()}
    for name in _NAMED:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:  # run from a checkout that is not installed
            versions[name] = "unknown"
    return versions
