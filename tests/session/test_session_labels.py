"""Label sets on disk: whole lines or none, one after the other, named where torn, there after every restart."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
import threading
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_session import ERA, STREAMS, NewWriter, header, record

from recorder.errors import ConfigError, SessionError, StorageError
from recorder.schema.labelling import Deed, Suggested
from recorder.session import annotations as store
from recorder.session import create, discard, erase, recover, restore, verify
from recorder.session import open as open_session
from recorder.session.annotated import LabelFold


def deed(number: int, act: str = "add", **more: object) -> Deed:
    said = {"annotation_id": f"a{number}", "kind": "span", "t0_s": 1.0 * number, "t1_s": number + 0.5}
    body = {**said, "label": "motion", **more}
    if act in ("undo", "redo"):
        body = dict(more)
    return Deed(act, f"d{number}", body.pop("rater", "AB"), 10**18 + number, "hemoview 0", **body)  # type: ignore[arg-type]


FIELDS = {*Deed.__dataclass_fields__, "deed", "id"} - {"deed_id", "annotation_id"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    writer = create(tmp_path_factory.mktemp("labels") / "s", header("s"), ERA)
    for info in STREAMS:
        writer.add_stream(info)
    record(writer, range(3))
    writer.close("operator")
    return writer.folder


@pytest.fixture
def sealed(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "sealed"))


def test_a_label_is_read_back_as_it_was_written(sealed: Path) -> None:
    suggestion = Suggested("beats", "ab" * 32, visible=True, accepted=True)
    first = deed(1, comment="手动 – moved", suggestion=suggestion, t0_s=0.1 + 0.2, t1_s=7.0)
    lines = store.append(sealed, "labels", [first])
    assert lines.deeds == (first,)
    assert store.read(sealed).deeds == (first,)
    assert store.sets_of(sealed) == ("labels",)
    with open_session(sealed) as session:
        assert session.label_sets == ("labels",)
        assert [a.label for a in session.labels().annotations()] == ["motion"]


def test_an_append_tells_what_another_window_added_before(sealed: Path) -> None:
    mine = store.append(sealed, "labels", [deed(1)])
    store.append(sealed, "labels", [deed(2, rater="CD")])
    after = store.append(sealed, "labels", [deed(3)], mine.end_byte)
    assert [d.deed_id for d in after.deeds] == ["d2", "d3"]


def test_files_are_for_the_owner_alone(sealed: Path) -> None:
    store.append(sealed, "labels", [deed(1)])
    place = store.path_of(sealed, "labels")
    assert place.stat().st_mode & 0o777 == 0o600
    assert place.parent.stat().st_mode & 0o777 == 0o700


def test_a_torn_line_is_lost_alone_and_named(sealed: Path) -> None:
    store.append(sealed, "labels", [deed(1), deed(2)])
    path = store.path_of(sealed, "labels")
    path.write_bytes(path.read_bytes()[:-9])
    report = verify(sealed)
    assert [(d.file, d.why) for d in report.damaged] == [("annotations/labels.jsonl", "line 2: unfinished")]
    store.append(sealed, "labels", [deed(3)])
    lines = store.read(sealed)
    assert [d.deed_id for d in lines.deeds] == ["d1", "d3"]
    assert lines.wrong == ("line 2: damaged or unfinished",)


def test_a_changed_byte_is_named_and_costs_its_line_only(sealed: Path) -> None:
    store.append(sealed, "labels", [deed(1), deed(2), deed(3)])
    path = store.path_of(sealed, "labels")
    content = bytearray(path.read_bytes())
    content[content.index(b"motion", content.index(b"\n"))] ^= 1
    path.write_bytes(content)
    assert [d.deed_id for d in store.read(sealed).deeds] == ["d1", "d3"]
    assert not verify(sealed).ok


def test_a_whole_label_set_is_no_damage(sealed: Path) -> None:
    store.append(sealed, "labels", [deed(1)])
    assert verify(sealed).ok


def test_a_session_being_recorded_is_not_labelled(new_writer: NewWriter) -> None:
    writer = new_writer()
    record(writer, range(2))
    with pytest.raises(SessionError, match="looked at but not labelled"):
        store.append(writer.folder, "labels", [deed(1)])
    assert store.sets_of(writer.folder) == ()
    writer.close("operator")
    store.append(writer.folder, "labels", [deed(1)])


def test_recover_leaves_labels_alone(new_writer: NewWriter) -> None:
    writer = new_writer()
    record(writer, range(3))
    writer.abandon()
    store.append(writer.folder, "labels", [deed(1)])
    before = store.path_of(writer.folder, "labels").read_bytes()
    assert recover(writer.folder).ok
    assert store.path_of(writer.folder, "labels").read_bytes() == before


def test_erase_leaves_no_label_and_takes_none_afterwards(sealed: Path) -> None:
    store.append(sealed, "labels", [deed(1)])
    stone = erase(sealed, why="consent withdrawn")
    assert stone.files >= 3
    assert not (sealed / "annotations").exists()
    with pytest.raises(SessionError, match="erased"):
        store.append(sealed, "labels", [deed(2)])
    assert sorted(p.name for p in sealed.iterdir()) == ["tombstone.json"]


def test_labels_go_into_quarantine_and_come_back(sealed: Path) -> None:
    store.append(sealed, "labels", [deed(1)])
    discard(sealed, why="wrong person", who="AB", wall_ns=1)
    with pytest.raises(StorageError):
        store.append(sealed, "labels", [deed(2)])
    back = restore(sealed.parent, sealed.name, who="AB", why="right person", wall_ns=2)
    assert [d.deed_id for d in store.read(back).deeds] == ["d1"]


def test_a_full_disk_adds_nothing(sealed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store.append(sealed, "labels", [deed(1)])
    before = store.path_of(sealed, "labels").read_bytes()
    whole = os.write

    def half(fd: int, content: bytes) -> int:
        if len(content) < 40:
            raise OSError(errno.ENOSPC, "No space left on device")
        return whole(fd, bytes(content[: len(content) // 2]))

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(StorageError, match="disk full"):
        store.append(sealed, "labels", [deed(2)])
    monkeypatch.undo()
    assert store.path_of(sealed, "labels").read_bytes() == before


@pytest.mark.parametrize("name", ["", "../x", "A", "a/b", "a.b", "ü"])
def test_a_name_that_is_no_file_name_is_refused(sealed: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="label set"):
        store.append(sealed, name, [deed(1)])


def test_a_set_put_back_from_elsewhere_is_noticed(sealed: Path) -> None:
    end = store.append(sealed, "labels", [deed(1), deed(2)]).end_byte
    path = store.path_of(sealed, "labels")
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    with pytest.raises(SessionError, match="shorter than it was"):
        store.read(sealed, "labels", end)


def test_two_processes_writing_at_once_do_not_mix(sealed: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from recorder.schema.labelling import Deed\n"
        "from recorder.session import annotations as store\n"
        "folder, who = Path(sys.argv[1]), sys.argv[2]\n"
        "for n in range(25):\n"
        "    d = Deed('add', f'{who}{n}', who, n, 's', f'{who}{n}', 'span', 1.0, 2.0, 'motion', 'x' * 3000)\n"
        "    store.append(folder, 'labels', [d, d])\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", program, str(sealed), who]) for who in ("A", "B")]
    assert [w.wait(60) for w in writers] == [0, 0]
    lines = store.read(sealed)
    assert lines.wrong == ()
    assert len(lines.deeds) == 100
    pairs = [(a.deed_id, b.deed_id) for a, b in zip(lines.deeds[::2], lines.deeds[1::2], strict=True)]
    assert all(a == b for a, b in pairs)


def test_two_threads_of_one_window_do_not_mix(sealed: Path) -> None:
    def write(who: str) -> None:
        for n in range(10):
            store.append(sealed, "labels", [deed(n, rater=who)] * 2)

    threads = [threading.Thread(target=write, args=(who,)) for who in ("A", "B")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = store.read(sealed)
    assert (len(lines.deeds), lines.wrong) == (40, ())
    assert lines.deeds[::2] == lines.deeds[1::2]
    for who in ("A", "B"):
        assert [d for d in lines.deeds[::2] if d.rater == who] == [deed(n, rater=who) for n in range(10)]


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(FIELDS)), inner, max_size=5)
    ),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60), st.dictionaries(st.sampled_from(sorted(FIELDS)), anything, max_size=8))
def test_whatever_lies_in_the_file_its_whole_lines_are_read(
    sealed: Path, rubbish: bytes, said: dict[str, object]
) -> None:
    good = deed(1)
    body = {**good.to_json(), **said}
    crc = zlib.crc32(json.dumps(body, sort_keys=True).encode())
    odd = json.dumps({"annotation": body, "crc32": crc}).encode()
    path = store.path_of(sealed, "labels")
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(rubbish.replace(b"\n", b" ") + b"\n" + odd + b"\n")
    store.append(sealed, "labels", [good])
    lines = store.read(sealed)
    assert lines.deeds[-1] == good
    assert LabelFold(lines.deeds).raters
    path.unlink()


acts = st.lists(
    st.tuples(
        st.sampled_from(["add", "change", "relabel", "delete", "reject", "undo", "redo"]),
        st.integers(0, 5),
        st.floats(0, 100, allow_nan=False),
        st.sampled_from(["AB", "CD"]),
        st.booleans(),
    ),
    max_size=30,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts)
def test_any_history_is_the_same_after_restarts(sealed: Path, history: list[tuple]) -> None:
    """Each deed is decided by a state that was kept, or by one read anew from the disk: both say the same."""
    name = f"h{os.urandom(6).hex()}"
    store.append(sealed, name, [Deed("scheme", "s", "AB", 0, "sw", scheme={"name": "x", "labels": []})])
    kept = LabelFold(store.read(sealed, name).deeds)
    end = store.read(sealed, name).end_byte
    for number, (act, which, t_s, rater, restarted) in enumerate(history):
        if restarted:
            kept = LabelFold(store.read(sealed, name).deeds)
        found = _deed_for(kept, act, f"d{number}", (f"a{which}", t_s), rater)
        if found is None:
            continue
        lines = store.append(sealed, name, [found], end)
        end = lines.end_byte
        for line in lines.deeds:
            kept.take(line)
        fresh = LabelFold(store.read(sealed, name).deeds)
        assert fresh.annotations() == kept.annotations()
        assert fresh.rejected() == kept.rejected()
        assert fresh.version() == kept.version()
        for who in ("AB", "CD"):
            assert (fresh.undo_of(who), fresh.redo_of(who)) == (kept.undo_of(who), kept.redo_of(who))


def _deed_for(fold: LabelFold, act: str, deed_id: str, place: tuple[str, float], rater: str) -> Deed | None:
    ids, t_s = place
    known = fold.get(rater, ids)
    if act in ("undo", "redo"):
        named = fold.undo_of(rater) if act == "undo" else fold.redo_of(rater)
        return Deed(act, deed_id, rater, 1, "sw", undoes=named) if named else None  # type: ignore[arg-type]
    if act == "delete":
        return Deed("delete", deed_id, rater, 1, "sw", ids) if known else None
    label = "bad" if act == "relabel" else "motion"
    plain = "change" if act in ("change", "relabel") else act
    return Deed(plain, deed_id, rater, 1, "sw", ids, "quality", t_s, t_s + 1, label)  # type: ignore[arg-type]
