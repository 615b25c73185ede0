"""The watch folder's memory: a recording once, when it is whole, whatever happens to the stick."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from recorder.exchange.imports.stick_watch import Found, Listing, Seen, Stick, StickWatch

STICK = Path("/stick")
NAME = "CNAP_2025-01-31_09-05-07_001"


def trio(
    name: str = NAME, size: int = 10, parts: tuple[str, ...] = ("beats", "waveform", "summary")
) -> Listing:
    return {STICK / f"{name}_{part}.csv": Seen(size, 1) for part in parts}


def found(told: list[Stick | Found]) -> list[Found]:
    return [one for one in told if isinstance(one, Found)]


def test_a_recording_is_handed_out_once_when_it_is_quiet() -> None:
    watch = StickWatch()
    assert watch.look(trio(), 0.0) == [Stick("there")]
    assert watch.look(trio(), 3.0) == []
    (one,) = found(watch.look(trio(), 7.0))
    assert (one.recording, set(one.parts), one.changed) == (NAME, {"beats", "waveform", "summary"}, False)
    assert watch.look(trio(), 100.0) == []


def test_a_growing_file_is_left_alone() -> None:
    watch = StickWatch()
    for second in range(40):
        assert not found(watch.look(trio(size=10 + second), float(second)))
    assert found(watch.look(trio(size=49), 50.0))


def test_a_part_on_its_way_is_waited_for_but_not_for_ever() -> None:
    watch = StickWatch()
    alone = trio(parts=("beats",))
    assert not found(watch.look(alone, 0.0)) + found(watch.look(alone, 30.0))
    assert not found(watch.look(trio(), 40.0))
    (one,) = found(watch.look(trio(), 47.0))
    assert len(one.parts) == 3
    watch = StickWatch()
    watch.look(alone, 0.0)
    (one,) = found(watch.look(alone, 61.0))
    assert set(one.parts) == {"beats"}


def test_the_stick_may_be_pulled_out_and_come_back() -> None:
    watch = StickWatch()
    watch.look(trio(), 0.0)
    assert watch.look(None, 2.0) == [Stick("gone")]
    assert watch.look(None, 4.0) == []
    assert watch.look(trio(), 5.0) == [Stick("there")]
    assert len(found(watch.look(trio(), 9.0))) == 1
    watch.look(None, 10.0)
    assert watch.look(trio(), 20.0) == [Stick("there")]
    assert watch.look(trio(), 90.0) == []


def test_what_could_not_be_read_for_it_was_gone_is_handed_out_again() -> None:
    watch = StickWatch()
    watch.look(trio(), 0.0)
    (one,) = found(watch.look(trio(), 7.0))
    watch.again(one)
    watch.look(None, 8.0)
    assert found(watch.look(trio(), 9.0)) == [one]


def test_a_change_afterwards_is_told_as_one() -> None:
    watch = StickWatch()
    watch.look(trio(), 0.0)
    watch.look(trio(), 7.0)
    watch.look(trio(size=11), 8.0)
    (one,) = found(watch.look(trio(size=11), 20.0))
    assert one.changed


def test_partial_copies_other_files_and_empty_ones_are_not_recordings() -> None:
    listing = {
        STICK / f"{NAME}_beats.csv.part": Seen(10, 1),
        STICK / f"~{NAME}_beats.csv.crdownload": Seen(10, 1),
        STICK / "notes.csv": Seen(10, 1),
        STICK / "CNAP_2025-99-31_09-05-07_001_beats.csv": Seen(10, 1),
        STICK / "CNAP_2025-01-31_10-00-00_002_beats.csv": Seen(0, 1),
    }
    watch = StickWatch()
    watch.look(listing, 0.0)
    assert not found(watch.look(listing, 1000.0))


def test_the_same_name_on_two_sticks_is_two_recordings() -> None:
    two = {STICK / folder / f"{NAME}_beats.csv": Seen(10, 1) for folder in ("a", "b")}
    watch = StickWatch()
    watch.look(two, 0.0)
    assert len(found(watch.look(two, 61.0))) == 2


@given(st.lists(st.tuples(st.floats(0.1, 20), st.integers(0, 3), st.booleans()), max_size=40))
def test_whatever_happens_no_state_of_the_files_is_handed_out_twice(
    steps: list[tuple[float, int, bool]],
) -> None:
    watch, now_s, given_out = StickWatch(), 0.0, []
    for passed_s, size, there in steps:
        now_s += passed_s
        listing = trio(size=size) if there else None
        given_out += [size for _ in found(watch.look(listing, now_s))]
    assert 0 not in given_out
    assert all(a != b for a, b in pairwise(given_out))
