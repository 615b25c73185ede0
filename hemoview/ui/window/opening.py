"""What must hold before a window opens: a station's name, a home that can be written, a picture that can be kept."""

from __future__ import annotations

import tempfile
from pathlib import Path

from PySide6.QtGui import QImageWriter

from recorder.errors import ConfigError, StationError, StorageError
from recorder.host import places
from recorder.host.connection import check_station
from recorder.private_folder import make_private


def check_opening(station: str, home: Path, picture: Path | None) -> None:
    """Refuse what could only fail once the window is open or, worse, when it closes.

    Raises:
        ConfigError: the name cannot be a station's, or the picture is of no known kind.
        StationError: the station's folder cannot be written.
        StorageError: the picture cannot be written.
    """
    check_station(station)
    _check_home(station, home)
    if picture is not None:
        _check_picture(picture)


def _check_home(station: str, home: Path) -> None:
    try:
        for folder in (home, places.station_dir(station, home)):
            make_private(folder)
            with tempfile.TemporaryFile(dir=folder):
                pass
    except OSError as error:
        raise StationError(
            f"station {station}: its home {home} cannot be written ({error.strerror}); "
            "correct its rights, or name another folder with --home"
        ) from error


def _check_picture(path: Path) -> None:
    """Leaves the folder made, and no file that was not there."""
    kinds = {bytes(kind.data()).decode() for kind in QImageWriter.supportedImageFormats()}
    if path.suffix[1:].lower() not in kinds:
        raise ConfigError(f"picture {path}: {path.suffix or 'no ending'} is no kind of picture; name it .png")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        known = path.exists()
        with path.open("ab"):
            pass
        if not known:
            path.unlink()
    except OSError as error:
        raise StorageError(
            f"picture {path}: cannot be written ({error.strerror}); name a file in a folder of your own"
        ) from error
