"""The flags of ``hemoview import``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

FOLDS: Final = ("first", "second")
QUESTIONS: Final = ("imported-before", "future-dated", "several-wristbands", "apart")
SCOPES: Final = ("upload", "training", "feedback")
EXAMPLES = """examples:
  hemoview import --e4 S01.zip --subject P-014 --out sessions/P-014-import
  hemoview import --e4 S01.zip --cnap CNAP_2025-01-31_09-05-07_001_beats.csv --zone Europe/Berlin --subject P-014 \\
    --consent-version v3 --consent-date 2025-01-30 --scopes training --out sessions/P-014
  hemoview import --watch /media/usb --zone Europe/Berlin --subject P-014 --out sessions   (each recording of a stick)
  hemoview import --cnap CNAP_2025-01-31_09-05-07_001_beats.csv --zone Europe/Berlin --subject P-014 \\
    --join sessions/P-014 --out sessions/P-014-both   (what came later)
"""


def add_parser(commands: Any) -> None:
    """``hemoview import``."""
    parser = commands.add_parser(
        "import",
        help="foreign recordings into one ordinary session",
        description="Reads the sources, which are never changed, and writes one sealed session.\nRows that cannot be "
        "read are counted by reason, the rest is imported.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    sources = parser.add_argument_group("sources")
    sources.add_argument("--e4", type=Path, action="append", metavar="ZIP_OR_DIR", help="Empatica E4 session")
    sources.add_argument(
        "--cnap",
        type=Path,
        metavar="BEATS.csv",
        help="CNAP recording of the USB stick; its other files are found beside it",
    )
    sources.add_argument(
        "--cnap-wave", type=Path, metavar="WAVEFORM.csv", help="its waveform, where it lies elsewhere"
    )
    for option, metavar, text in (
        ("--wfdb", "RECORD", "WFDB record: its .hea, or its name without it"),
        ("--edf", "FILE", "EDF or EDF+ recording"),
        ("--npz", "WAVES.npz", "waves of a monitor, numerics beside it"),
    ):
        sources.add_argument(option, type=Path, metavar=metavar, help=text)
    _add_whose(parser)
    when = parser.add_argument_group("when")
    when.add_argument("--zone", default="", metavar="IANA", help="time zone of files that name none")
    when.add_argument("--start", default="", metavar="TIME", help="begin of files without a date (ISO 8601)")
    when.add_argument("--fold", choices=FOLDS, default="", help="which of two, of an hour that came twice")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="SESSION", help="new folder of the session"
    )
    parser.add_argument(
        "--accept",
        default="",
        metavar="LIST",
        help=f"answers to what would be asked: {', '.join(QUESTIONS)}",
    )
    parser.add_argument(
        "--join",
        nargs="?",
        const="",
        metavar="SESSION",
        help="a new session of everything in SESSION and of the sources; with --watch: in the session that overlaps",
    )
    watching = parser.add_argument_group("watching a stick")
    watching.add_argument(
        "--watch",
        type=Path,
        metavar="DIR",
        help="wait for CNAP recordings in a folder until Ctrl-C; --out is then a folder of sessions",
    )
    watching.add_argument(
        "--only", default="*", metavar="PATTERN", help="names of the recordings that are wanted"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    parser.set_defaults(run=_run)


def _add_whose(parser: argparse.ArgumentParser) -> None:
    who = parser.add_argument_group("whose")
    who.add_argument("--subject", metavar="ID", required=True, help="pseudonym, never a name")
    who.add_argument("--sex", choices=("female", "male", "other", "unknown"), default="unknown")
    who.add_argument("--age", type=int, metavar="YEARS", help="whole years, 90 for 90 or older")
    who.add_argument("--height", type=float, metavar="CM")
    who.add_argument("--weight", type=float, metavar="KG")
    who.add_argument("--operator", default="", metavar="CODE", help="who imports, as a code")
    who.add_argument("--consent-version", metavar="TEXT", help="version of the signed consent form")
    who.add_argument("--consent-date", metavar="YYYY-MM-DD", help="when it was signed")
    who.add_argument(
        "--scopes",
        metavar="LIST",
        default="",
        help=f"what it allows besides: {','.join(SCOPES)} (default: nothing)",
    )


def _run(args: argparse.Namespace) -> dict[str, Any]:
    from recorder.host import import_command  # noqa: PLC0415 – help needs none of it

    return import_command.run(args)
