"""``recorder``: the headless core at the command line. Rooms are imported inside each command."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recorder.counted import counted
from recorder.errors import RecorderError
from recorder.host.arguments import STATION, Parser

if TYPE_CHECKING:
    from recorder.host.console import Tell

Outcome = dict[str, Any]
Command = Callable[[argparse.Namespace], Outcome | None]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Exit status: 0 done, 1 the work failed (message on stderr), 2 wrong usage."""
    from recorder.host.console import run_command

    words = [_no_option(word) for word in (sys.argv[1:] if argv is None else argv)]
    args = _parser().parse_args(words)
    command: Command = args.run
    return run_command("recorder", lambda: command(args), as_json=getattr(args, "json", False))


# ---- commands


def _serve(args: argparse.Namespace) -> None:
    from recorder.host.serve import serve

    serve(
        args.station,
        args.home,
        ready=lambda: print(f"Recorder of station {args.station} is ready.", flush=True),
    )


def _record(args: argparse.Namespace) -> Outcome:
    from recorder.host import record

    return record.run(
        record.RecordOrder(
            template=args.template,
            subject=args.subject,
            out=args.out,
            seconds=args.seconds,
            station=args.station,
            home=args.home,
        ),
        say=lambda line: print(line, file=sys.stderr, flush=True),
    )


def _stop(args: argparse.Namespace) -> Outcome:
    from recorder.errors import StationUnreachable
    from recorder.host import places, processes
    from recorder.host.connection import check_station

    check_station(args.station)
    if not processes.shut_down(args.station, args.home, force=args.force):
        home = args.home or places.home()
        raise StationUnreachable(
            f"station {args.station}: no recorder of it runs in {home}; check --station and --home"
        )
    return {"ok": True, "stopped": args.station}


def _calibrate(args: argparse.Namespace) -> Outcome:
    if (args.against is None) != (args.session is None):
        args.misused("--against and --session go together")
    from recorder.host import calibrate

    return calibrate.run(
        calibrate.CalibrateOrder(
            stream_id=args.stream,
            channel=args.channel,
            operator=args.operator,
            station=args.station,
            home=args.home,
            points=tuple(args.points or ()),
            against=args.against,
            session=args.session,
            file_starts=args.file_start,
            keep=args.keep,
            take_control=args.take_control,
        )
    )


def _verify(args: argparse.Namespace) -> Outcome:
    from recorder import session
    from recorder.host.console import progress

    with progress("checking", _bytes_of(args.session)) as tell:
        return session.verify(args.session, _counted(tell)).to_json()


def _recover(args: argparse.Namespace) -> Outcome:
    from recorder import session
    from recorder.host.console import progress

    with progress("recovering", _bytes_of(args.session)) as tell:
        return session.recover(args.session, _counted(tell)).to_json()


def _bytes_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("segments/*.parquet"))


def _counted(tell: Tell) -> Callable[[int, int], None]:
    return lambda n, n_bytes: tell(n_bytes, f"{counted(n, 'segment')}, {n_bytes / 1e6:.1f} MB checked")


def _erase(args: argparse.Namespace) -> Outcome:
    from recorder import session

    if sys.stdin.isatty() and not args.yes:
        name = args.session.name
        if input(f"Erase {name} for ever? Type its name: ").strip() != name:
            raise RecorderError(f"{args.session}: nothing was erased; type its name, or give --yes")
    session.erase(args.session, why=args.why)
    return {"ok": True, "erased": str(args.session)}


def _export(args: argparse.Namespace) -> Outcome:
    from recorder.host import export_command

    return export_command.run(args)


def _quarantine(args: argparse.Namespace) -> Outcome:
    from recorder.host import quarantine

    folder = quarantine.folder_of(args.home, args.folder)
    if args.action == "list":
        return quarantine.list_all(folder)
    if args.action == "restore":
        if args.name is None:
            args.misused("restore needs the name of a session; list shows them")
        return quarantine.restore(folder, args.name, args.operator, args.why)
    return quarantine.purge(folder, args.name, sure=args.yes)


def _devices(args: argparse.Namespace) -> Outcome:
    from recorder.host import probe
    from recorder.host.console import progress

    with progress("looking for devices"):
        return probe.list_devices(args.probe, args.template, args.scan, args.radio)


def _enrol(args: argparse.Namespace) -> Outcome:
    from recorder.host import sync_command

    return sync_command.enrol(args)


def _sync(args: argparse.Namespace) -> Outcome | None:
    if not args.watch and (args.all is None) == (not args.session):
        args.misused("give either sessions or --all DIR")
    from recorder.host import sync_command

    return sync_command.sync(args)


def _uplink(args: argparse.Namespace) -> None:
    from recorder.host import uplink

    uplink.main(args.station, args.home)


# ---- usage


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="recorder",
        description="Records a bedside: devices, clocks and the session on disk. Research use only.",
        epilog="example: recorder serve --station bed-1",
    )
    parser.add_argument("--version", action="version", version=_version())
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for add in (
        _add_serve,
        _add_record,
        _add_stop,
        _add_calibrate,
        _add_verify,
        _add_recover,
        _add_export,
        _add_erase,
        _add_quarantine,
        _add_devices,
        _add_enrol,
        _add_sync,
        _add_uplink,
        _add_update,
    ):
        add(commands)
    return parser


def _add_update(commands: Any) -> None:
    from recorder.host import update_command

    update_command.add_parser(commands)


def _add_serve(commands: Any) -> None:
    serve = _add(commands, "serve", _serve, "be the recorder of a station", "recorder serve --station bed-1")
    _add_station(serve)


def _add_record(commands: Any) -> None:
    example = "recorder record --template rest.toml --subject S-07 --out sessions --seconds 600"
    record = _add(commands, "record", _record, "record one session by a template", example)
    record.add_argument(
        "--template", type=Path, required=True, metavar="FILE", help="session template, TOML or JSON"
    )
    record.add_argument("--subject", required=True, metavar="ID", help="pseudonym, never a name")
    record.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder the session is made in"
    )
    record.add_argument("--seconds", type=_positive, metavar="N", help="length; until Ctrl-C without it")
    _add_station(record)
    _add_json(record)


def _add_stop(commands: Any) -> None:
    what = "stop the recorder of a station, and its estimates"
    stop = _add(commands, "stop", _stop, what, "recorder stop --station bed-1")
    stop.add_argument(
        "--force", action="store_true", help="also with a session open, which is ended in order"
    )
    _add_station(stop)
    _add_json(stop)


def _add_calibrate(commands: Any) -> None:
    what = "find volt → mmHg of an ADC channel: by two points, or by the monitor's own waveform file"
    example = "recorder calibrate --station bed-1 --channel adc0 --points 0.5=40 1.7=160 --operator OP1"
    calibrate = _add(commands, "calibrate", _calibrate, what, example)
    calibrate.set_defaults(misused=calibrate.error)
    calibrate.add_argument("--stream", default="adc.wave", metavar="ID", help="default: adc.wave")
    calibrate.add_argument("--channel", default="adc0", metavar="NAME", help="default: adc0")
    way = calibrate.add_mutually_exclusive_group(required=True)
    way.add_argument("--points", type=_point, nargs=2, metavar="VOLT=MMHG", help="two levels of the monitor")
    way.add_argument("--against", type=Path, metavar="CSV", help="..._waveform.csv of the monitor's stick")
    calibrate.add_argument("--session", type=Path, metavar="SESSION", help="folder of what was recorded then")
    calibrate.add_argument(
        "--file-start", type=_moment, metavar="TIME", help="when CSV began, local or +HH:MM; else by its name"
    )
    calibrate.add_argument("--operator", required=True, metavar="CODE", help="who signs it")
    calibrate.add_argument("--keep", action="store_true", help="store a refused one too, as refused")
    calibrate.add_argument(
        "--take-control", action="store_true", help="from the window that holds it, and give it back"
    )
    _add_station(calibrate)
    _add_json(calibrate)


def _add_verify(commands: Any) -> None:
    _add_session(
        _add(commands, "verify", _verify, "check every byte of a session", "recorder verify SESSION --json")
    )


def _add_recover(commands: Any) -> None:
    what = "seal a session whose recorder died"
    _add_session(_add(commands, "recover", _recover, what, "recorder recover SESSION"))


def _add_export(commands: Any) -> None:
    from recorder.host import export_command

    what = "a session or a span of it as EDF+, WFDB, XDF, CSV, Parquet or E4 zip"
    export = _add(commands, "export", _export, what, export_command.EXAMPLE)
    export_command.add_arguments(export)
    _add_session(export)


def _add_erase(commands: Any) -> None:
    what = "erase a session, leaving a tombstone"
    erase = _add(commands, "erase", _erase, what, "recorder erase SESSION --why withdrawn")
    _add_session(erase)
    erase.add_argument("--why", default="not stated", help="reason, kept in the tombstone")
    erase.add_argument("--yes", action="store_true", help="do not ask, on a terminal either")


def _add_quarantine(commands: Any) -> None:
    what = "discarded sessions: list, restore, or erase those whose 30 days are over"
    example = "recorder quarantine restore 20261128-101500_S-07_1a2b3c --operator OP1"
    quarantine = _add(commands, "quarantine", _quarantine, what, example)
    quarantine.set_defaults(misused=quarantine.error)
    quarantine.add_argument("action", choices=("list", "restore", "purge"))
    quarantine.add_argument("name", nargs="?", metavar="NAME", help="of the session's folder; purge: at once")
    quarantine.add_argument("--operator", default="", metavar="CODE", help="who restores it")
    quarantine.add_argument("--why", default="", help="reason, kept with the session")
    quarantine.add_argument("--folder", type=Path, metavar="DIR", help="of sessions, where it is another")
    quarantine.add_argument("--home", type=Path, metavar="DIR", help="folder of stations, sessions and logs")
    quarantine.add_argument("--yes", action="store_true", help="do not ask, on a terminal either")
    _add_json(quarantine)


def _add_devices(commands: Any) -> None:
    what = "list ports, device kinds and profiles"
    devices = _add(commands, "devices", _devices, what, "recorder devices --json")
    devices.add_argument(
        "--probe", type=_positive, metavar="S", help="listen to the template's devices for S seconds"
    )
    devices.add_argument("--template", type=Path, metavar="FILE", help="whose devices to probe")
    scan = "search for Bluetooth devices for S seconds (5): name, address, strength, fitting kind"
    devices.add_argument("--scan", type=_positive, nargs="?", const=5.0, metavar="S", help=scan)
    devices.add_argument(
        "--radio", default="", help=argparse.SUPPRESS
    )  # virtual:HOST:PORT, of a virtual bedside
    _add_json(devices)


def _add_enrol(commands: Any) -> None:
    from recorder.host import sync_command

    what = "make a station a device of a service, by its administrator's one-time code"
    enrol = _add(commands, "enrol", _enrol, what, sync_command.ENROL_EXAMPLE)
    sync_command.add_enrol_arguments(enrol)
    _add_station(enrol)
    _add_json(enrol)


def _add_sync(commands: Any) -> None:
    from recorder.host import sync_command

    what = "bring sessions to a service: encrypted, each file once, under its signed receipt"
    sync = _add(commands, "sync", _sync, what, sync_command.SYNC_EXAMPLE)
    sync.set_defaults(misused=sync.error)
    sync_command.add_sync_arguments(sync)
    _add_station(sync)
    _add_json(sync)


def _add_uplink(commands: Any) -> None:
    what = (
        "tell every service a station is enrolled with how it stands, once a second; recorder serve starts it"
    )
    _add_station(_add(commands, "uplink", _uplink, what, "recorder uplink --station bed-1"))


def _add(commands: Any, name: str, run: Command, what: str, example: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=what, description=what, epilog=f"example: {example}"
    )
    parser.set_defaults(run=run)
    return parser


def _add_session(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("session", type=Path, metavar="SESSION", help="session folder")
    _add_json(parser)


def _add_station(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--station", default=STATION, metavar="NAME", help=f"which station (default: {STATION})"
    )
    parser.add_argument("--home", type=Path, metavar="DIR", help="folder of stations, sessions and logs")


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")


def _no_option(word: str) -> str:
    """A point below zero volt, ``-0.5=40``, marked as a value: argparse takes no word with a blank for an option."""
    return f" {word}" if re.match(r"-[.\d]+[^=]*=", word) else word


def _point(text: str) -> tuple[float, float]:
    text = text.strip()
    volt, _, mmhg = text.partition("=")
    try:
        return float(volt), float(mmhg)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is not VOLT=MMHG, e.g. 0.5=40") from None


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is no time, e.g. 2026-11-20T16:05:07") from None


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"recorder {version('hemoview')}"
    except PackageNotFoundError:
        return "recorder (checkout)"


if __name__ == "__main__":
    sys.exit(main())
