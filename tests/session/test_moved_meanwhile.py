"""A session that somebody moves while it is looked at: whoever looks is told so in words, at whichever file it was."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from small_session import ERA, STREAMS, header, write_second

from recorder import cli
from recorder import session as sessions
from recorder.errors import RecorderError, SessionError
from recorder.schema import Subject
from recorder.session import alignments, amended, identity, quarantine
from recorder.session import header as header_file


def read_all(folder: Path) -> None:
    with sessions.open(folder) as session:
        for name in session.streams:
            session.read(name)
        session.events()


def look(folder: Path) -> None:
    sessions.open(folder).close()


DEEDS: dict[str, Callable[[Path], object]] = {
    "open": look,
    "read": read_all,
    "verify": sessions.verify,
    "recover": sessions.recover,
    "erase": lambda folder: sessions.erase(folder, why="asked"),
    "header": amended.read_header,
    "hash": identity.session_hash,
    "align": lambda folder: alignments.append(folder, {"a": 1}, made_by="a", software="b", wall_ns=1),
    "amend": lambda folder: amended.amend(folder, {"subject.age_y": 40}, who="a", why="b", wall_ns=1),
    "discard": lambda folder: quarantine.discard(folder, why="a", who="b", wall_ns=1),
}


TOLD = "moved or erased|no session.json here"
MOST_FILES = 60


@dataclass
class Mover:
    """Moves a session away just before the file number ``at`` of it is read."""

    folder: Path
    at: int
    seen: int = 0

    def before(self, path: Path) -> None:
        if self.folder in path.parents and path.exists():
            self.seen += 1
            if self.seen == self.at:
                self.folder.rename(self.folder.with_name("moved"))

    def reader(self, read: Callable[[Path], bytes]) -> Callable[[Path], bytes]:
        """``Path.read_bytes`` with the mover at work."""

        def moving(path: Path) -> bytes:
            self.before(path)
            return read(path)

        return moving


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    writer = sessions.create(tmp_path / "sessions" / "s", replace(header("s"), subject=Subject("P-1")), ERA)
    for info in STREAMS:
        writer.add_stream(info)
    write_second(writer, 0)
    writer.close("done")
    return tmp_path / "sessions" / "s"


@pytest.mark.parametrize("deed", DEEDS)
def test_it_is_told_in_words_whichever_file_was_wanted_next(
    folder: Path, deed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for at in range(1, MOST_FILES):
        mover = Mover(folder, at)
        with monkeypatch.context() as patch:
            patch.setattr(Path, "read_bytes", mover.reader(Path.read_bytes))
            told = None
            try:
                DEEDS[deed](folder)
            except RecorderError as error:
                told = str(error)
        if mover.seen < at:
            assert told is None and at > 1
            return
        assert told is not None and re.search(TOLD, told), f"file {at}: {told}"
        assert not folder.exists()
        folder.with_name("moved").rename(folder)
    pytest.fail("it read on and on")


def test_a_session_erased_as_its_card_was_to_be_read_says_why(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, left = header_file.read_json, [lambda: sessions.erase(folder, why="withdrawn")]

    def erased_first(path: Path) -> dict[str, Any]:
        if left and path.name == "session.json":
            left.pop()()
        return read(path)

    monkeypatch.setattr(header_file, "read_json", erased_first)
    with pytest.raises(SessionError, match=r"erased \(withdrawn\); no samples are left"):
        amended.read_header(folder)


def test_a_session_erased_while_it_is_checked_is_not_called_damaged(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = []

    def erase_once(*_: int) -> None:
        if not looked:
            looked.append(sessions.erase(folder, why="withdrawn"))

    with pytest.raises(SessionError, match="erased"):
        sessions.verify(folder, erase_once)


def test_the_command_line_says_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Path, "read_bytes", Mover(folder, 4).reader(Path.read_bytes))
    assert cli.main(["verify", str(folder)]) == 1
    said = capsys.readouterr().err
    assert said == f"recorder: {folder}: was moved or erased at this very moment; look where it is now\n"
