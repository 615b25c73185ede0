"""``recorder enrol`` and ``recorder sync``: a station becomes a device of a service, and its sessions go there."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

ENROL_EXAMPLE = (
    "recorder enrol --server https://ward.example:8440 --code ABCD-EFGH --ca ward-ca.pem --station bed-1"
)
SYNC_EXAMPLE = "recorder sync --all sessions --station bed-1 --json"


def add_enrol_arguments(parser: argparse.ArgumentParser) -> None:
    """What ``enrol`` takes, besides station, home and ``--json``."""
    parser.add_argument("--server", required=True, metavar="URL", help="address of the service")
    parser.add_argument("--code", metavar="CODE", help="one-time code of the service's administrator")
    parser.add_argument(
        "--ca", type=Path, metavar="FILE", help="the service's CA file (PEM), of its administrator"
    )
    parser.add_argument(
        "--remove", action="store_true", help="sign out of the service; what it holds stays there"
    )


def add_sync_arguments(parser: argparse.ArgumentParser) -> None:
    """What ``sync`` takes, besides station, home and ``--json``."""
    parser.add_argument("session", type=Path, nargs="*", metavar="SESSION", help="session folders")
    parser.add_argument("--all", type=Path, metavar="DIR", help="every session in a folder")
    which = "which service, where the station is enrolled with several"
    parser.add_argument("--server", metavar="URL", help=which)
    parser.add_argument("--limit-mbit", type=_above_zero, metavar="N", help="upload no faster than N Mbit/s")
    purge = "erase local copies that the service has held complete, under a verified receipt, for DAYS"
    parser.add_argument("--purge-after", type=float, metavar="DAYS", help=purge)
    parser.add_argument("--watch", action="store_true", help=argparse.SUPPRESS)  # what recorder serve starts


def enrol(args: argparse.Namespace) -> dict[str, Any]:
    """Become a device, or no longer be one."""
    from recorder.clock import Clock  # noqa: PLC0415
    from recorder.errors import ConfigError  # noqa: PLC0415
    from recorder.host import places  # noqa: PLC0415
    from recorder.host.connection import check_station  # noqa: PLC0415
    from recorder.sync import enrolling, identity  # noqa: PLC0415

    check_station(args.station)
    folder = places.station_dir(args.station, args.home)
    if args.remove:
        found = identity.identity_of(folder, args.station, args.server)
        identity.forget(folder, found.server_id)
        return {"ok": True, "signed_out": found.url, "device": found.device_id}
    if not args.code:
        raise ConfigError("enrol: give --code, the one-time code of the service's administrator")
    now_us = Clock.from_environment().wall_ns() // 1000
    me = enrolling.enrol(args.server, args.code, station=args.station, ca_pem=read_ca(args.ca), now_us=now_us)
    identity.keep(folder, me)
    return {
        "ok": True,
        "server": me.url,
        "server_id": me.server_id,
        "device": me.device_id,
        "station": me.station,
        "bed": me.bed,
        "ward": me.ward,
        "production": me.production,
    }


def read_ca(path: Path | None) -> str:
    """The text of a CA file; empty where none is given.

    Raises:
        ConfigError: it cannot be read.
    """
    from recorder.errors import ConfigError  # noqa: PLC0415

    if path is None:
        return ""
    try:
        return path.read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: is no CA file (PEM) that can be read; ask for the service's") from error


def sync(args: argparse.Namespace) -> dict[str, Any] | None:
    """Bring sessions to the service, and say what came of it."""
    if args.watch:
        from recorder.host import sync_child  # noqa: PLC0415

        sync_child.run(args.station, args.home)
        return None
    import time  # noqa: PLC0415

    from recorder.host import places  # noqa: PLC0415
    from recorder.host.console import progress  # noqa: PLC0415
    from recorder.host.sync_gear import gear_of  # noqa: PLC0415
    from recorder.sync import files, identity, outcome, purge  # noqa: PLC0415
    from recorder.sync.run import bring_all  # noqa: PLC0415

    folders = [*_named(args.session), *(files.sessions_in(_folder(args.all)) if args.all else ())]
    me = identity.identity_of(places.station_dir(args.station, args.home), args.station, args.server)
    begun_s = time.monotonic()
    with gear_of(me, args.home, args.limit_mbit) as gear:
        with progress("bringing sessions", float(len(folders))) as tell:
            outcomes = bring_all(gear, folders, lambda n, name: tell(n, f"{n} of {len(folders)} {name}"))
        told = outcome.totals(outcomes, time.monotonic() - begun_s)
        if args.purge_after is not None:
            told["purged"] = purge.purge(gear, outcomes, args.purge_after)
    return {**told, "server": me.url}


def _named(folders: list[Path]) -> list[Path]:
    from recorder.errors import ConfigError  # noqa: PLC0415

    for folder in folders:
        if not folder.is_dir():
            raise ConfigError(f"{folder}: no session here; choose the folder of a session")
    return folders


def _folder(path: Path) -> Path:
    from recorder.errors import ConfigError  # noqa: PLC0415

    if not path.is_dir():
        raise ConfigError(f"{path}: no such folder; give the one that holds session folders")
    return path


def _above_zero(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value
