"""The two steps of a hemodynamic report as plain functions, for a process of its own: nothing live waits for drawings.

What they take and give can be sent between processes; nothing they raise holds more than words.
"""

from __future__ import annotations

import json
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from hemoview.report.session.facts import from_json, text_of
from hemoview.report.session.page import Extras, Narrative, Written
from hemoview.report.session.read import read_facts
from hemoview.report.session.words import Language
from recorder import session as sessions
from recorder.host.end_with_parent import end_with_parent

NICE = 10


def process() -> ProcessPoolExecutor:
    """One worker process that gives way to everything else."""
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_give_way)


def _give_way() -> None:
    end_with_parent()
    if hasattr(os, "nice"):
        os.nice(NICE)


def read(folder: str, hide: bool) -> str:
    """The facts of a session folder, as ``facts.json`` has them.

    Args:
        hide: its estimates, whatever the session itself says.

    Raises:
        RecorderError: the session cannot be read.
    """
    with sessions.open(Path(folder)) as session:
        return text_of(read_facts(session, hide=hide))


def render(facts: str, language: str, extras: dict[str, Any]) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """Page, PDF and Excel of facts, and what could not be made.

    Args:
        language: ``zh``, else English.
        extras: of :func:`extras_to_json`.
    """
    from hemoview.report.session.session_report import Files  # noqa: PLC0415 – what draws is loaded where it draws

    spoken: Language = "zh" if language == "zh" else "en"
    return Files(from_json(json.loads(facts)), spoken, extras_of(extras)).all()


def extras_to_json(extras: Extras) -> dict[str, Any]:
    """Plain JSON values."""
    return asdict(extras)


def extras_of(value: dict[str, Any]) -> Extras:
    """Inverse of :func:`extras_to_json`."""
    written, told = value.get("written"), value.get("narrative")
    return Extras(
        Written(**written) if written else None,
        Narrative(tuple(told["sentences"]), told["model"]) if told else None,
        value.get("notice", ""),
    )
