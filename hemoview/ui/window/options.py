"""How a window is opened: its options, and the command line that gives them."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from recorder.host.arguments import STATION, Parser

LONGEST_S = 604_800
"""A window that closes by itself does so within a week; Qt counts milliseconds in 31 bits."""


@dataclass(frozen=True, slots=True)
class AppOptions:
    """How the window is opened.

    Args:
        station: which recorder.
        home: where stations and sessions are; the user's place where None.
        screenshot: keep a picture of the window here when it closes.
        seconds: close by itself after so many real seconds.
        show_simulated: parameters without a real reference show the simulated part of the card, tagged SIM.
        keep_session: leave recorder and session as they are on closing, and do not ask.
        name: of this client; control is held by name. The default is different for every window.
        size: width and height, px.
        compact: the layout of an edge board's panel whatever the shape of the window.
    """

    station: str = STATION
    home: Path | None = None
    screenshot: Path | None = None
    seconds: float | None = None
    show_simulated: bool = False
    keep_session: bool = False
    name: str = ""
    size: tuple[int, int] = (1280, 800)
    compact: bool = False


def command_line() -> argparse.ArgumentParser:
    """``hemoview --help``."""
    parser = Parser(
        prog="hemoview",
        description="The window of a station: Record and Review. Research use only.",
        epilog="example: hemoview --station bed-1",
    )
    parser.add_argument("--station", default=STATION, help=f"which recorder (default: {STATION})")
    parser.add_argument("--home", type=Path, metavar="DIR", help="folder of stations and sessions")
    parser.add_argument(
        "--screenshot", type=Path, metavar="PNG", help="keep a picture of the window and close"
    )
    parser.add_argument("--after", type=_seconds, metavar="S", help="close after S seconds")
    parser.add_argument(
        "--show-simulated",
        action="store_true",
        help="in a session that does not say, show estimates without a real reference, tagged SIM",
    )
    parser.add_argument(
        "--compact", action="store_true", help="layout for a small panel, whatever the window's shape"
    )
    parser.add_argument(
        "--size", type=_size, default=(1280, 800), metavar="WxH", help="of the window, px (default: 1280x800)"
    )
    return parser


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 480x854")
    if not (480 <= int(width) <= 9999 and 360 <= int(height) <= 9999):
        raise argparse.ArgumentTypeError(f"{text}: a window has 480x360 px or more, 9999x9999 at most")
    return int(width), int(height)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= LONGEST_S:
        raise argparse.ArgumentTypeError(f"{text!r} is not 0 to {LONGEST_S} seconds")
    return seconds
