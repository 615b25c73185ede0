"""What every command line of ours does alike: one line of complaint, an exit status, JSON where it was asked for."""

from __future__ import annotations

import contextlib
import json
import logging
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from recorder.errors import RecorderError
from recorder.host import logs

Outcome = dict[str, Any]
Explain = Callable[[Exception], str | None]
STOPPED: Final = "stopped by the keyboard"


class Tell(Protocol):
    """Says how far long work has come."""

    def __call__(self, done: float, note: str = "") -> None:
        """``done`` of the total; ``note``: the figures in words."""
        ...


@contextlib.contextmanager
def progress(what: str, total: float | None = None) -> Iterator[Tell]:
    """A line on stderr that shows long work, gone when it ends; nothing at all where stderr is no terminal.

    Args:
        what: is done.
        total: of what :class:`Tell` counts; None where it is not known.
    """
    if not sys.stderr.isatty():
        yield _say_nothing
        return
    from rich.console import Console  # noqa: PLC0415 – only where somebody looks
    from rich.progress import BarColumn, Progress, TextColumn  # noqa: PLC0415

    texts = [TextColumn(part, markup=False) for part in ("{task.description}", "{task.fields[note]}")]
    bars = Progress(
        texts[0],
        BarColumn(),
        texts[1],
        console=Console(stderr=True),
        redirect_stdout=False,  # what is printed there stays there
        transient=True,
        refresh_per_second=2,  # drawing takes time from what is shown
    )
    with bars:
        bar = bars.add_task(what, total=total, note="")
        yield lambda done, note="": bars.update(bar, completed=done, note=note)


def _say_nothing(done: float, note: str = "") -> None:
    """Nobody looks."""


@contextlib.contextmanager
def interrupts_wait() -> Iterator[None]:
    """Ctrl-C and SIGTERM take effect at the end of the block: for what must not be torn, such as the import of Qt."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = {
        number: signal.signal(number, lambda number, _: came.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, was in before.items():
            signal.signal(number, was if was is not None else signal.SIG_DFL)
    if came:
        signal.raise_signal(came[0])


def run_command(
    program: str,
    work: Callable[[], Outcome | int | None],
    *,
    as_json: bool,
    explain: Explain = lambda _: None,
) -> int:
    """Run ``work`` and print what came of it. No traceback ever reaches a user: a fault of ours goes to a log file.

    Args:
        program: name before a complaint.
        work: returns an outcome to print, an exit status of its own, or None.
        as_json: one JSON object as the last line of standard output, of a failure too.
        explain: words for an exception that is none of ours, or None.

    Returns:
        0 done; 1 the work failed, or its outcome says ``ok`` is false.
    """
    try:
        outcome = work()
    except KeyboardInterrupt:
        complaint = STOPPED
    except Exception as error:  # noqa: BLE001 - the last line of defence
        complaint = _stopped_within(error) or explain(error) or _complaint(program, error)
    else:
        if isinstance(outcome, int):
            return outcome
        with contextlib.suppress(BrokenPipeError):  # a reader such as head has seen enough
            _print(outcome, as_json=as_json)
            sys.stdout.flush()
        return 0 if outcome is None or outcome.get("ok", True) else 1
    print(f"{program}: {complaint}", file=sys.stderr)
    if as_json:
        print(json.dumps({"ok": False, "error": complaint}))
    return 1


def _stopped_within(error: Exception) -> str | None:
    """What an import was doing when Ctrl-C came may wrap it: ``RuntimeError: Error calling __set_name__`` and others.

    An error with words for the user stays, unless it was raised *from* such a wrap: "numpy is not installed".
    """
    in_words = isinstance(error, RecorderError | OSError)
    seen: set[int] = set()
    links: list[BaseException | None] = [error.__cause__] if in_words else [error]
    while links:
        link = links.pop()
        if isinstance(link, KeyboardInterrupt):
            return STOPPED
        if link is not None and id(link) not in seen:
            seen.add(id(link))
            links += (link.__cause__, link.__context__)
    return None


def _complaint(program: str, error: Exception) -> str:
    if isinstance(error, RecorderError):
        return str(error)
    if isinstance(error, OSError):
        return f"{error.filename or 'system'}: {error.strerror or error}; check the folder and its rights"
    path = logs.begin(f"{program}-cli")
    logging.getLogger(program).error("command failed", exc_info=error)
    return f"{type(error).__name__}: {error}; this is a fault of {program}, please report it with {path}"


def _print(outcome: Outcome | None, *, as_json: bool) -> None:
    if outcome is None:
        return
    if as_json:
        print(json.dumps(outcome, default=str))
        return
    for name, value in (_readable(*item) for item in outcome.items()):
        print(f"{name}: {_in_words(value)}")


def _readable(name: str, value: Any) -> tuple[str, Any]:
    """``start_wall_ns: 1644226061000000000`` is for programs; people are told ``start: 2022-02-07 09:27:41 UTC``."""
    if not (name.endswith("_wall_ns") and isinstance(value, int)):
        return name, value
    moment = datetime.fromtimestamp(value / 1e9, tz=UTC)
    return name.removesuffix("_wall_ns"), f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _in_words(value: Any) -> str:
    """One line; what consists of parts, a line for each below it, and of theirs with parts of their own further in."""
    if isinstance(value, dict):
        value = [f"{name}: {_in_one_line(part)}" for name, part in value.items()]
    if not isinstance(value, list | tuple):
        return "none" if value is None else str(value)
    return "".join(f"\n  {_part_in_words(part)}" for part in value) or "none"


def _part_in_words(value: Any) -> str:
    if not isinstance(value, dict):
        return _in_one_line(value)
    deeper = {n: v for n, v in value.items() if isinstance(v, dict | list | tuple)}
    flat = {n: v for n, v in value.items() if n not in deeper and v not in (None, "")}
    return _in_one_line(flat) + "".join(f"\n    {n}: {_in_one_line(v)}" for n, v in deeper.items() if v)


def _in_one_line(value: Any) -> str:
    if isinstance(value, dict):
        parts = [_readable(name, part) for name, part in value.items()]
        return ", ".join(f"{name}: {_in_one_line(part)}" for name, part in parts) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(_in_one_line(part) for part in value) or "none"
    return "none" if value is None else str(value)
