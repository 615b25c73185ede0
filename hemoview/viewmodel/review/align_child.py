"""Work of minutes in a process of its own, so that the window's thread keeps the interpreter to itself: a day of beats
takes two minutes of computing, and two threads of Python only slow each other down (decision 0013).
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, Final, TypeVar

from recorder.errors import RecorderError
from recorder.session.files import why_of

T = TypeVar("T")
Tell = Callable[[float], None]

_LOOK_S: Final = 0.1
_LEAST_STEP: Final = 0.005
_NICE: Final = 5
"""The child gives way to the window, which is being looked at."""


def in_child(work: Callable[..., T], *args: Any, tell: Tell) -> T:
    """Run ``work(*args, tell)`` in a child and return what it returns.

    Args:
        work: a function of a module; its arguments and its result are pickled. It hears nothing of ``tell`` raising.
        tell: hears the share that is done, several times a second also where nothing moves; what it raises ends the
            child at once and is raised here.

    Raises:
        RecorderError: what the work raised, in its own words, or that the child died.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_run, args=(theirs, work, args), daemon=True, name="hemoview-align")
    child.start()
    theirs.close()
    share = 0.0
    try:
        while True:
            if ours.poll(_LOOK_S):
                kind, value = ours.recv()
                if kind == "done":
                    result: T = value
                    return result
                if kind == "failed":
                    raise RecorderError(value)
                share = value
            tell(share)
    except EOFError:
        child.join(1.0)
        raise RecorderError(
            f"the process that computed ended before it was done (code {child.exitcode})"
        ) from None
    finally:
        child.terminate()
        child.join()
        ours.close()


def _run(pipe: Connection, work: Callable[..., Any], args: tuple[Any, ...]) -> None:
    """The child: progress, then the result or what went wrong. Ends quietly where nobody listens any more."""
    if hasattr(os, "nice"):
        os.nice(_NICE)
    told = 0.0

    def tell(share: float) -> None:
        nonlocal told
        if share - told >= _LEAST_STEP:
            told = share
            pipe.send(("share", share))

    with contextlib.suppress(BrokenPipeError):
        try:
            pipe.send(("done", work(*args, tell)))
        except BrokenPipeError:
            raise
        except (RecorderError, OSError) as error:
            pipe.send(("failed", why_of(error)))
        except Exception as error:  # noqa: BLE001 -- the window must hear of it, whatever it was
            pipe.send(("failed", f"{type(error).__name__}: {error}"))
