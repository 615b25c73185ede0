"""The connection file: how a client finds and proves itself to the recorder of a station. Owner-only."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from recorder.errors import ConfigError, StationUnreachable
from recorder.host import places, platform
from recorder.private_folder import make_private

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}\Z")


@dataclass(frozen=True, slots=True)
class Connection:
    """Ports on 127.0.0.1 and the CURVE keys (Z85 text).

    Args:
        station: which station.
        pid: process id of its recorder.
        pub_port, router_port: live bus and commands.
        server_public: the recorder's public key.
        client_public, client_secret: the one key pair the recorder accepts.
    """

    station: str
    pid: int
    pub_port: int
    router_port: int
    server_public: str
    client_public: str
    client_secret: str

    @classmethod
    def read(cls, station: str, home: Path | None = None) -> Self:
        """The connection of ``station``.

        Raises:
            StationUnreachable: no recorder has left one, or it cannot be read.
        """
        path = file_of(station, home)
        try:
            value = json.loads(path.read_text())
            return cls(**{k: value[k] for k in cls.__dataclass_fields__})
        except FileNotFoundError:
            what = "no recorder has been started"
        except (OSError, ValueError, KeyError, TypeError) as error:
            what = f"its connection file cannot be used ({type(error).__name__})"
        raise StationUnreachable(
            f"station {station}: {what}; start one with: recorder serve --station {station}"
        )

    def write(self, home: Path | None = None) -> Path:
        """Leave it for clients; returns where."""
        path = file_of(self.station, home)
        make_private(path.parent)
        platform.write_owner_only(path, json.dumps(asdict(self)).encode())
        return path


def check_station(station: str) -> None:
    """Refuse a name that could not be a folder on every system.

    Raises:
        ConfigError: it is none.
    """
    if not _NAME.match(station):
        raise ConfigError(
            f"station {station!r}: use 1 to 40 letters, digits, '.', '_' or '-', beginning with a letter or digit"
        )


def file_of(station: str, home: Path | None = None) -> Path:
    """Where the connection of ``station`` lies."""
    return places.station_dir(station, home) / "connection.json"
