"""``hemoview``: the window and everything built on the recorder. Rooms are imported inside each command."""

from __future__ import annotations

import argparse
import importlib
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from recorder.host.arguments import STATION, Parser
from recorder.host.console import Outcome, run_command

Command = Callable[[argparse.Namespace], Outcome | None]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Exit status: 0 done, 1 the work failed (message on stderr), 2 wrong usage."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] != ["edge"] and threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):  # a shell's background job is born deaf to Ctrl-C
            signal.signal(number, signal.default_int_handler)
    return run_command("hemoview", lambda: _run(words), as_json="--json" in words, explain=_not_installed)


def _run(words: list[str]) -> Outcome | int | None:
    if words[:1] == ["edge"]:
        from hemoview.edge import process

        return process.main(words[1:])
    if not words or (words[0].startswith("-") and words[0] not in {"-h", "--help", "--version"}):
        from hemoview import app

        return app.main(words)
    args = _parser(words[0] if words else "").parse_args(words)
    command: Command = args.run
    return command(args)


_EXTRA_OF = {
    "distributed": "scale",
    "torch": "learn",
    "onnx": "learn",
    "matplotlib": "app",
    "openpyxl": "app",
    "wfdb": "exchange",
    "edfio": "exchange",
    "pyxdf": "exchange",
    "fastapi": "cloud",
    "uvicorn": "cloud",
    "sqlalchemy": "cloud",
    "alembic": "cloud",
    "argon2": "cloud",
    "pydantic": "cloud",
}


def _not_installed(error: Exception) -> str | None:
    """A package of an extra is missing: which, and the line to type."""
    if not isinstance(error, ModuleNotFoundError):
        return None
    if getattr(sys, "frozen", False):
        return f"{error.name} is not part of this bundle; install HemoView by pip for that command"
    extra = _EXTRA_OF.get((error.name or "").split(".")[0], "app")
    return f"{error.name} is not installed; type: pip install 'hemoview[{extra}]'"


def _demo(args: argparse.Namespace) -> dict[str, Any] | None:
    from hemoview import demo, demo_result

    result = demo.run(
        demo.DemoOptions(
            headless=args.headless,
            seconds=args.seconds,
            speed=args.speed,
            seed=args.seed,
            replay=args.replay,
            out=args.out,
            screenshot=args.screenshot,
        )
    )
    if args.json:
        return result
    demo_result.print_summary(result)
    return None


def _models(args: argparse.Namespace) -> dict[str, Any]:
    from hemoview.estimate import models_command
    from recorder.host import places

    root = args.root or places.models_dir()
    if args.action == "list":
        return models_command.list_models(root)
    if args.action == "show":
        return models_command.show_model(root, args.name)
    return models_command.verify_models(root)


def _diagnose(args: argparse.Namespace) -> dict[str, Any]:
    from hemoview.estimate import models_command
    from recorder.host import diagnose, places

    out = args.out or Path(f"hemoview-diagnosis-{time.strftime('%Y%m%d-%H%M%S')}.zip")
    models = models_command.verify_models(places.models_dir())
    entries = diagnose.write(out, args.home, {"models": models["bundles"]})
    return {"ok": True, "file": str(out), "holds": [f"{e.name}: {e.about}" for e in entries]}


def _autostart(args: argparse.Namespace) -> dict[str, Any]:
    from recorder.host import autostart

    if args.action == "on":
        autostart.switch_on(args.station)
    elif args.action == "off":
        autostart.switch_off(args.station)
    path = autostart.entry(args.station)
    return {"ok": True, "on": path.is_file(), "entry": str(path)}


def _bench_ingest(args: argparse.Namespace) -> dict[str, Any]:
    from hemoview.bench import ingest

    return ingest.run(beds=args.beds, seconds=args.seconds)


def _bench_cloud(args: argparse.Namespace) -> dict[str, Any]:
    from hemoview.bench import cloud

    return cloud.run(beds=args.beds, kills=args.kills)


def _bench_crash(args: argparse.Namespace) -> dict[str, Any]:
    from hemoview.bench import crash

    return crash.run(kills=args.kills, power_cuts=args.power_cuts, flips=args.flips, seed=args.seed)


def _bench_align(args: argparse.Namespace) -> dict[str, Any]:
    from hemoview.bench import align

    return align.run(sessions=args.sessions, seed=args.seed, workers=args.workers)


def _bench_guard(args: argparse.Namespace) -> dict[str, Any]:
    from hemoview.bench import guard

    return guard.run(pairs=args.pairs, seed=args.seed)


def _bench_faults(args: argparse.Namespace) -> dict[str, Any]:
    from hemoview.bench import faults

    return faults.run(sessions=args.sessions, seed=args.seed, workers=args.workers)


def _bench_live(_: argparse.Namespace) -> dict[str, Any]:
    from hemoview.bench import live

    return live.run()


def _bench_dialogs(_: argparse.Namespace) -> Outcome:
    from hemoview.bench import dialogs

    return dialogs.run()


def _bench_edge(args: argparse.Namespace) -> dict[str, Any]:
    from hemoview.bench import edge

    return edge.run(against=args.against)


def _bench_train(_: argparse.Namespace) -> dict[str, Any]:
    from hemoview.bench import train

    return train.run()


def _bench_trends(args: argparse.Namespace) -> dict[str, Any]:
    from hemoview.bench import trends

    return trends.run(hours=args.hours)


def _bench_review(args: argparse.Namespace) -> dict[str, Any]:
    from hemoview.bench import review

    return review.run(hours=args.hours, wave_hz=args.wave_hz)


_ROOMS = {
    "align": "align pulse and reference of a session by their beats, or refuse",
    "audit": "prove that the service's audit log is whole",
    "backup": "back the service up: database and blobs, and its keys apart",
    "compress": "make a small bundle of a training run",
    "dataset": "datasets of labelled windows",
    "evaluate": "judge a model on labelled windows and write a report",
    "import": "foreign recordings into one ordinary session",
    "labels": "labels of a session: how far two raters agree",
    "subject": "withdraw a subject from everything",
    "report": "hemodynamics of a session; a model against the reference of a session or dataset",
    "restore": "put the service back from its backup and prove it",
    "serve": "run the service: sync, ward view, reports",
    "train": "train LSM²oE on a dataset",
}
"""Commands that register themselves (``add_parser`` in :mod:`hemoview.flags`): their lines in the list of commands."""


def _add_rooms(commands: Any, wanted: str) -> None:
    """Only the flags that are wanted are imported."""
    for name, text in _ROOMS.items():
        if name == wanted:
            module = {"import": "importing"}.get(name, name)  # a word of Python names no module
            importlib.import_module(f"hemoview.flags.{module}").add_parser(commands)
        else:
            commands.add_parser(name, help=text)


def _parser(wanted: str = "") -> argparse.ArgumentParser:
    parser = Parser(
        prog="hemoview",
        description="Opens the window. Research use only: never for treatment, never for alarms.",
        epilog="example: hemoview demo    (the whole chain on the virtual bedside)",
    )
    parser.add_argument("--version", action="version", version=_version())
    parser.add_argument(
        "--station", metavar="NAME", help="open the window on this station (hemoview --station NAME)"
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    commands.add_parser("edge", help="run the edge process of a station (hemoview edge --help)")
    _add_demo(commands)
    models = commands.add_parser(
        "models", help="list, verify or show model bundles", epilog="example: hemoview models verify --json"
    )
    models.add_argument("action", nargs="?", choices=("list", "verify", "show"), default="list")
    models.add_argument("name", nargs="?", default="", help="bundle to show")
    models.add_argument("--root", type=Path, help="folder of bundles (default: the shipped ones)")
    models.add_argument("--json", action="store_true", help="one JSON object as the last line")
    models.set_defaults(run=_models)
    diagnose = commands.add_parser(
        "diagnose",
        help="one file to send when something is wrong: no samples, no pseudonyms",
        description="Versions, devices, counts and logs in one zip; no samples, pseudonyms or free text.",
        epilog="example: hemoview diagnose --out diagnosis.zip",
    )
    diagnose.add_argument(
        "--out", type=Path, metavar="ZIP", help="file to write (default: here, with the date)"
    )
    diagnose.add_argument("--home", type=Path, metavar="DIR", help="folder of stations and sessions")
    diagnose.add_argument("--json", action="store_true", help="one JSON object as the last line")
    diagnose.set_defaults(run=_diagnose)
    start = commands.add_parser(
        "autostart",
        help="open the window at login: on, off, or how it stands",
        description="Opens a station's window when you log in, so that a recording a reboot cut short goes on.",
        epilog="example: hemoview autostart on --station bed-1",
    )
    start.add_argument("action", nargs="?", choices=("on", "off", "status"), default="status")
    start.add_argument("--station", default=STATION, help=f"whose window (default: {STATION})")
    start.add_argument("--json", action="store_true", help="one JSON object as the last line")
    start.set_defaults(run=_autostart)
    _add_rooms(commands, wanted)
    _add_benchmarks(commands)
    return parser


def _add_demo(commands: Any) -> None:
    demo = commands.add_parser(
        "demo",
        help="the whole chain on the virtual bedside",
        description="Device emulators speaking the real wire protocols → recorder → edge → window → session.",
        epilog="example: hemoview demo --headless --seconds 60 --json",
    )
    demo.add_argument("--headless", action="store_true", help="no window")
    demo.add_argument(
        "--seconds", type=_above_zero, help="length of the recording (default: until the window closes)"
    )
    demo.add_argument(
        "--speed", type=_speed, default=1.0, help="times real time; latency and loss hold for 1 only"
    )
    demo.add_argument("--seed", type=_whole, default=1, help="of the virtual subject and devices")
    demo.add_argument(
        "--replay", type=Path, metavar="RECORDING", help="E4 zip or folder, WFDB record, or surgery npz"
    )
    demo.add_argument("--out", type=Path, metavar="DIR", help="where to keep the session")
    demo.add_argument("--screenshot", type=Path, metavar="PNG", help="picture of the window at the end")
    demo.add_argument("--json", action="store_true", help="one JSON object as the last line")
    demo.set_defaults(run=_demo)


def _add_benchmarks(commands: Any) -> None:
    bench = commands.add_parser("bench", help="benchmarks", epilog="example: hemoview bench edge --json")
    names = bench.add_subparsers(title="benchmarks", metavar="NAME", required=True)

    def add(name: str, run: Command, text: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = names.add_parser(
            name, help=text, epilog=f"example: hemoview bench {name} --json"
        )
        parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
        parser.set_defaults(run=run)
        return parser

    ingest = add("ingest", _bench_ingest, "stations recording at once: loss, commit time, CPU")
    ingest.add_argument("--beds", type=_at_least_one, default=4)
    ingest.add_argument("--seconds", type=_above_zero, default=25.0)
    align = add("align", _bench_align, "two devices, one heart or two: locks, refusals, errors; simulated")
    align.add_argument("--sessions", type=_at_least_one, default=24)
    align.add_argument("--seed", type=_whole, default=1)
    align.add_argument("--workers", type=_at_least_one, help="processes (default: one a core)")
    guard = add(
        "guard", _bench_guard, "matched and swapped pairs before the shared-heartbeat guard; simulated"
    )
    guard.add_argument("--pairs", type=_at_least_one, default=40)
    guard.add_argument("--seed", type=_whole, default=1)
    faults = add("faults", _bench_faults, "accelerated sessions, each with faults drawn from the seed")
    faults.add_argument("--sessions", type=_at_least_one, default=40)
    faults.add_argument("--seed", type=_whole, default=1)
    faults.add_argument("--workers", type=_at_least_one, default=4, help="sessions at a time (default: 4)")
    cloud = add("cloud", _bench_cloud, "the service: record path, and beds live; service and load together")
    cloud.add_argument("--beds", type=_at_least_one, default=16)
    cloud.add_argument("--kills", type=_whole, default=0, help="of the service, while it receives")
    crash = add("crash", _bench_crash, "kills, power cuts, flipped bytes")
    crash.add_argument("--kills", type=_whole, default=10)
    crash.add_argument("--power-cuts", type=_whole, default=20)
    crash.add_argument("--flips", type=_whole, default=20)
    crash.add_argument("--seed", type=_whole, default=1)
    add("live", _bench_live, "frames per second and sample-to-screen time")
    add("dialogs", _bench_dialogs, "every dialog of the window: opening it, and its controls")
    edge = add("edge", _bench_edge, "time of one window on one thread")
    edge.add_argument("--against", type=Path, metavar="DIR", help="a second model in the same run")
    add("train", _bench_train, "training speed and memory of the mixture against a naive dense one")
    trends = add("trends", _bench_trends, "opening, panning and zooming a day in Trends")
    trends.add_argument("--hours", type=_above_zero, default=24.0)
    review = add("review", _bench_review, "opening, panning and zooming a long session")
    review.add_argument("--hours", type=_above_zero, default=24.0)
    review.add_argument(
        "--wave-hz", type=int, default=100, choices=(100, 1000), help="rate of the pressure wave"
    )


def _number(text: str, low: float, high: float, what: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise argparse.ArgumentTypeError(f"{text} must be {what}")
    return value


def _above_zero(text: str) -> float:
    return _number(text, 1e-3, 1e9, "a number above 0")


def _speed(text: str) -> float:
    return _number(text, 0.1, 100, "0.1 to 100")


def _whole(text: str) -> int:
    return int(_number(text, 0, 2**31, "a whole number, 0 or more"))


def _at_least_one(text: str) -> int:
    return int(_number(text, 1, 1e6, "1 or more"))


def _version() -> str:
    from recorder import __version__

    return f"hemoview {__version__}"


if __name__ == "__main__":
    sys.exit(main())
