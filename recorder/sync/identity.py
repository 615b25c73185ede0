"""Which services a station is enrolled with, and as whom: an owner-only file each, with what is pinned of the service.

The device's private key lies in that file. A system keyring would need a desktop session, and a bedside has none at
boot; a file of mode 0600 in an owner-only folder is what is left, and it is said (decision 0040).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlsplit, urlunsplit

from recorder.errors import ConfigError
from recorder.session.files import make_folder, storage_errors, sync_folder, write_whole
from recorder.sync import wire
from recorder.transports.tcp import is_loopback

SERVICES_FOLDER: Final = "services"


@dataclass(frozen=True, slots=True)
class Identity:
    """A station as a device of one service.

    Args:
        url: of the service, ``https://host:port``.
        server_id, signing_public_key: pinned: nobody else is believed.
        device_id: who we are there.
        private_key: ours, hexadecimal.
        wrapping_public_key, wrapping_key_id: for data keys; renewed by a signed hello.
        production: it refuses simulated sessions.
        station: whose.
        bed, ward, site: where the service says we stand.
        ca_pem: the authority that signed its certificate; empty = the system's.
        enrolled_us: UTC µs, our clock.
    """

    url: str
    server_id: str
    device_id: str
    private_key: str = field(repr=False)
    signing_public_key: str
    wrapping_public_key: str
    wrapping_key_id: str
    production: bool
    station: str
    bed: str = ""
    ward: str = ""
    site: str = ""
    ca_pem: str = field(default="", repr=False)
    enrolled_us: int = 0

    @property
    def host(self) -> str:
        """As people say it."""
        return urlsplit(self.url).netloc

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Inverse of ``asdict``; unknown keys are ignored.

        Raises:
            TypeError: a field is missing.
        """
        return cls(**{k: v for k, v in value.items() if k in cls.__dataclass_fields__})


def address(url: str) -> str:
    """A service's address in its one spelling.

    Raises:
        ConfigError: it is none, or would carry people's data in the clear.
    """
    parts = urlsplit(url.strip() if "://" in url else f"https://{url.strip()}")
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme not in ("http", "https") or not parts.hostname or port == -1:
        raise ConfigError(f"{url!r} is no address of a service; give one such as https://ward.example:8440")
    if parts.path.strip("/") or parts.query or parts.username:
        raise ConfigError(f"{url!r}: give host and port alone, such as https://{parts.hostname}:8440")
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise ConfigError(f"{url}: http would carry people's data in the clear; use https")
    return urlunsplit((parts.scheme, parts.netloc.lower(), "", "", ""))


def keep(station_folder: Path, identity: Identity) -> None:
    """Keep it; on disk, owner-only, when this returns.

    Raises:
        StorageError: the folder is not writable.
    """
    folder = station_folder / SERVICES_FOLDER
    with storage_errors(station_folder, "keeping the enrolment"):
        make_folder(folder)
        write_whole(folder / f"{identity.server_id}.json", json.dumps(asdict(identity), indent=1).encode())


def forget(station_folder: Path, server_id: str) -> bool:
    """Sign out of a service; what it holds stays there. Returns whether there was anything to forget."""
    path = station_folder / SERVICES_FOLDER / f"{wire.ID('server_id', server_id)}.json"
    with storage_errors(station_folder, "forgetting the enrolment"):
        if not path.exists():
            return False
        path.unlink()
        sync_folder(path.parent)
    return True


def identities(station_folder: Path) -> tuple[Identity, ...]:
    """All enrolments of a station, oldest first.

    Raises:
        ConfigError: a file is not one of ours.
    """
    found = []
    for path in (station_folder / SERVICES_FOLDER).glob("*.json"):
        try:
            found.append(Identity.from_json(json.loads(path.read_bytes())))
        except (OSError, ValueError, TypeError) as error:
            raise ConfigError(f"{path}: is no enrolment; remove it and enrol again") from error
    return tuple(sorted(found, key=lambda one: (one.enrolled_us, one.server_id)))


def identity_of(station_folder: Path, station: str, url: str | None) -> Identity:
    """The enrolment at one address; without one, the only enrolment there is.

    Raises:
        ConfigError: the station has none there, none at all, or several to choose from; says what to do.
    """
    known = identities(station_folder)
    if url is None:
        if len(known) == 1:
            return known[0]
        raise ConfigError(
            f"station {station} is enrolled with {', '.join(one.url for one in known)}; choose by --server URL"
            if known
            else f"station {station} is not enrolled with any service; ask a service's administrator for a code, "
            f"then recorder enrol --server URL --code CODE --station {station}"
        )
    wanted = address(url)
    for one in known:
        if one.url == wanted:
            return one
    raise ConfigError(
        f"station {station} is not enrolled with {wanted}; ask the service's administrator for a code, then "
        f"recorder enrol --server {wanted} --code CODE --station {station}"
    )
