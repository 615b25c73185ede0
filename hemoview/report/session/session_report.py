"""The hemodynamic report of one session: folder → facts → page, PDF, Excel and CSV in a folder of its own."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hemoview.labels.datasets.made_register import remember
from hemoview.report.letters import WHAT_TO_DO, chinese_font, needs_chinese
from hemoview.report.pdf import Sheets, pdf_of
from hemoview.report.session import page as session_page
from hemoview.report.session.excel import xlsx_of
from hemoview.report.session.facts import WATERMARKS, Facts, sha256_of, text_of
from hemoview.report.session.page import NOTHING, Extras
from hemoview.report.session.read import read_facts
from hemoview.report.session.tables import csv_of, tables_of
from hemoview.report.session.text import Text
from hemoview.report.session.words import Language
from recorder import session as sessions
from recorder.errors import ConfigError, RecorderError, StorageError
from recorder.host import places, withdrawals
from recorder.session.files import why_of

if TYPE_CHECKING:  # an HTTP client; the window loads this module and narrates nothing
    from hemoview.report.session.narrate import Narrator

FOLDER: Final = "hemodynamic"
MAKING: Final = ".hemodynamic-"
"""Begins the name of a folder that is being filled."""
FACTS, PAGE, PRINT, BOOK = "facts.json", "report.html", "report.pdf", "report.xlsx"

Tell = Callable[[float], None]
"""Told the share that is done, 0–1; what it raises gives the report up."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is wanted.

    Args:
        source: folder of the session.
        out: folder in which the report gets one of its own; never over an older one.
        home: folder that remembers withdrawals; the user's own where None.
        narrator: says the facts in sentences, too; None = nothing does.
    """

    source: Path
    out: Path
    language: Language = "en"
    home: Path | None = None
    narrator: Narrator | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """Where it is. ``left_out``: what could not be made, and what to do about it."""

    folder: Path
    facts: Facts
    left_out: tuple[str, ...] = ()

    def summary(self) -> dict[str, Any]:
        """For the command line."""
        return {
            "facts_sha256": sha256_of(self.facts),
            "page": str(self.folder / PAGE),
            "pdf": None if self.left_out else str(self.folder / PRINT),
            "excel": str(self.folder / BOOK),
            "estimates_hidden": self.facts.session.estimates_hidden,
            "findings": [Text(self.facts, "en").finding(f) for f in self.facts.findings],
            "left_out": list(self.left_out),
        }


def facts_of(order: Order) -> Facts:
    """The facts of a session.

    Raises:
        RecorderError: there is no session, or its subject was withdrawn; says what to do.
    """
    with sessions.open(order.source) as session:
        _refuse_withdrawn(order, session)
        return read_facts(session)


def _refuse_withdrawn(order: Order, session: sessions.Session) -> None:
    subject, name = session.header.subject, session.path.name
    if subject is not None and withdrawals.is_withdrawn(
        withdrawals.read(order.home or places.home()), subject.pseudonym
    ):
        raise ConfigError(f"{name}: subject {subject.pseudonym} was withdrawn; no report is made of them")


def carry_out(order: Order, tell: Tell = lambda _: None) -> Made:
    """Make everything, or nothing.

    Raises:
        RecorderError: the session is refused or the folder cannot be written; says what to do.
    """
    facts = facts_of(order)
    tell(0.2)
    narrative = order.narrator.narrate(facts, order.language) if order.narrator is not None else None
    files = Files(facts, order.language, Extras(narrative=narrative))
    content, left_out = files.all(lambda done: tell(0.2 + 0.75 * done))
    folder = _write(order.out, content)
    remember(order.home or places.home(), "report", folder)
    try:  # who withdrew while it was made finds it noted, or is found here
        with sessions.open(order.source) as session:
            _refuse_withdrawn(order, session)
    except RecorderError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    tell(1.0)
    return Made(folder, facts, left_out)


@dataclass(frozen=True, slots=True)
class Files:
    """Files of a report, each made when it is asked for; the same facts and extras give the same bytes."""

    facts: Facts
    language: Language = "en"
    extras: Extras = field(default=NOTHING)

    def page(self) -> bytes:
        """``report.html``."""
        return session_page.page(self.facts, self.language, self.extras).encode()

    def pdf(self) -> bytes:
        """``report.pdf``.

        Raises:
            ConfigError: fpdf2 is not installed, or this system has no Chinese letters for it.
        """
        text = Text(self.facts, self.language)
        page = session_page.page(self.facts, self.language, self.extras, as_pictures=True)
        letters = chinese_font() if needs_chinese(page) else None
        if self.language == "zh" and letters is None:
            raise ConfigError(f"PDF: no font with Chinese letters here; {WHAT_TO_DO}")
        session = self.facts.session
        mark = (
            WATERMARKS["simulated"]
            if session.simulated
            else WATERMARKS["replayed"]
            if session.replayed
            else ""
        )
        sheets = Sheets(portrait=True, mark=mark, foot=text.footer, letters=(letters,) if letters else ())
        return pdf_of(page, title=session_page.title(self.facts, self.language), sheets=sheets)

    def excel(self) -> bytes:
        """``report.xlsx``."""
        return xlsx_of(self.facts, self.language)

    def all(self, tell: Tell = lambda _: None) -> tuple[dict[str, bytes], tuple[str, ...]]:
        """Every file by name, and why there is no PDF where there is none."""
        content = {FACTS: text_of(self.facts).encode(), PAGE: self.page()}
        tell(0.4)
        left_out: tuple[str, ...] = ()
        try:
            content[PRINT] = self.pdf()
        except ConfigError as error:
            left_out = (str(error),)
        tell(0.8)
        content[BOOK] = self.excel()
        for table in tables_of(self.facts):
            content[f"{table.name}.csv"] = csv_of(table, self.facts).encode()
        tell(1.0)
        return content, left_out


def _write(out: Path, content: dict[str, bytes]) -> Path:
    """Into a folder that was not there before, whole or not at all."""
    making: Path | None = None
    try:
        out.mkdir(parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(prefix=MAKING, dir=out))  # for its owner alone
        for name, each in content.items():
            (making / name).write_bytes(each)
        return _numbered(making, out)
    except OSError as error:
        if making is not None:
            shutil.rmtree(making, ignore_errors=True)
        why = f"{error.strerror or why_of(error)}; choose another folder or make room"
        raise StorageError(f"{out}: the report could not be written: {why}") from error


def _numbered(making: Path, out: Path) -> Path:
    """Named ``hemodynamic``, ``hemodynamic-2``, …: the first that is not there."""
    for n in itertools.count(1):
        folder = out / (FOLDER if n == 1 else f"{FOLDER}-{n}")
        if folder.exists():
            continue
        try:
            return making.rename(folder)
        except OSError:
            if not folder.exists():  # it was not that somebody else took the name
                raise
    raise AssertionError


def forget_unfinished(out: Path) -> None:
    """Take away what a report that was stopped left, and the folder if nothing else is in it."""
    for left in out.glob(f"{MAKING}*"):
        shutil.rmtree(left, ignore_errors=True)
    with contextlib.suppress(OSError):
        out.rmdir()
