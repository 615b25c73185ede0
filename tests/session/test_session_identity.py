"""The hash of a session: what was recorded and said of it, wherever it lies; and the revisions beside it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from small_session import NewWriter, record

from recorder.errors import SessionError
from recorder.schema import Amendment
from recorder.schema.labelling import Deed
from recorder.session import amendments, annotations
from recorder.session.identity import Revision, revision, session_hash


@pytest.fixture
def sealed(new_writer: NewWriter) -> Path:
    writer = new_writer()
    record(writer, range(3))
    writer.close("operator")
    return writer.folder


def test_a_copy_is_the_same_session(sealed: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(sealed, tmp_path / "elsewhere" / sealed.name)
    assert session_hash(copy) == session_hash(sealed)
    assert len(session_hash(sealed)) == 64


def test_an_amendment_is_another_state_and_a_label_is_not(sealed: Path) -> None:
    before = session_hash(sealed)
    deed = Deed("add", "d1", "AB", 10**18, "hemoview 0", "a1", "span", 0.0, 1.0, "artefact")
    annotations.append(sealed, "labels", [deed])
    assert session_hash(sealed) == before
    amendments.append(sealed, Amendment("note", None, "a word", "op1", "forgotten", 10**18))
    assert session_hash(sealed) != before


def test_another_recording_has_another_hash(sealed: Path, new_writer: NewWriter) -> None:
    writer = new_writer("other")
    record(writer, range(4))
    writer.close("operator")
    assert session_hash(writer.folder) != session_hash(sealed)


def test_a_session_that_grows_has_no_hash(new_writer: NewWriter) -> None:
    writer = new_writer()
    record(writer, range(1))
    with pytest.raises(SessionError, match="not closed yet"):
        session_hash(writer.folder)


def test_revision_names_what_lies_beside_the_samples(sealed: Path) -> None:
    assert revision(sealed) == Revision(0, {})
    deed = Deed("add", "d1", "AB", 10**18, "hemoview 0", "a1", "span", 0.0, 1.0, "artefact")
    first = annotations.append(sealed, "labels", [deed])
    version = revision(sealed).label_sets["labels"]
    annotations.append(
        sealed, "labels", [Deed("undo", "u1", "AB", 10**18, "hemoview 0", undoes="d1")], first.end_byte
    )
    assert len(version) == 64 and revision(sealed).label_sets == {}
