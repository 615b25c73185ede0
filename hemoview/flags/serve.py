"""The flags of ``hemoview serve``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

PORT: Final = 8440
EXAMPLE: Final = """examples:
  hemoview serve                      (this machine only: SQLite and a folder)
  hemoview serve --init-tls ward.example,192.168.1.20
  hemoview serve --host 0.0.0.0       (the ward's network, with the certificate made by --init-tls)
  hemoview serve --config ward.toml --supervised
  hemoview serve --socket /run/hemoview/1.sock  (behind nginx, with public_url = "https://…")

settings (TOML, or HEMOVIEW_SERVE_NAME in the environment), most of all:
  public_url = "https://ward.example:8440"    how browsers and bedsides reach it, where that is not host and port
  production = false                          for trials and training: takes simulated sessions too, else refused"""


def add_parser(commands: Any) -> None:
    """``hemoview serve``."""
    parser = commands.add_parser(
        "serve",
        help="run the service: sync, ward view, reports",
        description="Keeps sessions, shows the ward, makes reports. With no options: SQLite and a local folder, "
        "reachable from this machine only.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings (TOML)")
    parser.add_argument("--host", metavar="ADDRESS", help="to listen on (default: 127.0.0.1)")
    parser.add_argument(
        "--port", type=int, metavar="N", help=f"to listen on (default: {PORT}; 0: any free one)"
    )
    parser.add_argument(
        "--socket",
        type=Path,
        metavar="FILE",
        help="listen on this unix socket instead, for a proxy beside it",
    )
    parser.add_argument("--folder", type=Path, metavar="DIR", help="of database, blobs and keys")
    parser.add_argument(
        "--init-tls",
        metavar="NAME[,NAME…]",
        help="make or renew a certificate for these host names and addresses, say how to trust it, and end",
    )
    parser.add_argument(
        "--init-bus",
        metavar="NAME[,NAME…]",
        help="make or renew the certificates of a broker (MQTT) of these names and of the replicas at it, and end",
    )
    parser.add_argument(
        "--new-password", metavar="NAME", help="make a one-time password for this account, and end"
    )
    parser.add_argument(
        "--supervised", action="store_true", help="start it again whenever it dies (in place of systemd)"
    )
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int | None:
    from hemoview.cloud import command  # noqa: PLC0415 – help needs none of it

    return command.run(args)
