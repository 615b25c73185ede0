"""Where things are: sessions, settings and logs of the user; resources and models of the installation."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

HOME_ENV = "HEMOVIEW_HOME"
_PACKAGE = Path(__file__).resolve().parents[1]


def home() -> Path:
    """Folder of sessions, stations, settings and logs; ``HEMOVIEW_HOME`` overrides the system's place."""
    override = os.environ.get(HOME_ENV)
    return Path(override) if override else Path(platformdirs.user_data_dir("hemoview", appauthor=False))


def sessions_dir(base: Path | None = None) -> Path:
    """Folder of session folders."""
    return (base or home()) / "sessions"


def station_dir(station: str, base: Path | None = None) -> Path:
    """Folder of a station: lock, connection file, settings."""
    return (base or home()) / "stations" / station


def sync_dir(base: Path | None = None) -> Path:
    """Folder of the outbox and of the data keys of sessions."""
    return (base or home()) / "sync"


def templates_dir(base: Path | None = None) -> Path:
    """Folder of the templates made on this machine."""
    return (base or home()) / "templates"


def profiles_dir(base: Path | None = None) -> Path:
    """Folder of the ADC profiles this user has made."""
    return (base or home()) / "profiles"


def resources_dir() -> Path:
    """Icons, profiles, templates: inside an installed wheel, or beside the packages in a checkout."""
    return _installed("_resources", "resources")


def models_dir() -> Path:
    """Model bundles: inside an installed wheel, or beside the packages in a checkout."""
    return _installed("_models_bin", "models_bin")


def _installed(packaged: str, checkout: str) -> Path:
    inside = _PACKAGE / packaged
    return inside if inside.is_dir() else _PACKAGE.parent / checkout
