"""Rule 4: a wrong pseudonym is corrected by an amendment (who, when, old, new, why), never by rewriting samples."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest
from bed import Bed
from hypothesis import given
from hypothesis import strategies as st

from recorder import session as store
from recorder.errors import ConfigError, SessionError
from recorder.schema import Amendment, Consent, Subject
from recorder.session import SessionHeader
from recorder.session.amended import AMENDABLE, amended, value_of, with_amendment

HEADER = SessionHeader(
    "s", "bed1", 1, subject=Subject("S-01", "female", 40), consent=Consent("1", "2026-01-01"), notes="n"
)


def recorded(bed: Bed) -> Path:
    """A sealed session with samples."""
    bed.connect("adc")
    folder = bed.start()
    bed.cables["adc"].samples(50)
    bed.until(lambda: bed.status().streams[0].on_disk == 50)
    bed.ask("stop")
    return folder


def hashes(folder: Path) -> dict[str, str]:
    """Everything a correction must not touch."""
    kept = [p for p in folder.rglob("*") if p.is_file() and p.name != "amendments.jsonl"]
    return {
        str(p.relative_to(folder)): sha256(p.read_bytes()).hexdigest() for p in kept if ".lock" not in p.name
    }


def test_a_stored_session_is_corrected_and_no_sample_rewritten(bed: Bed) -> None:
    folder = recorded(bed)
    before = hashes(folder)
    store.amend(
        folder,
        {"subject.pseudonym": "S-02", "subject.height_cm": 171.0, "consent.upload": True},
        who="OP2",
        why="wrong label on the chart",
        wall_ns=5,
    )
    assert hashes(folder) == before
    assert "_S-01_" in folder.name  # names are what backups and manifests know a session by
    with store.open(folder) as session:
        assert session.header.subject is not None and session.header_at_start.subject is not None
        assert session.header.subject.pseudonym == "S-02"
        assert session.header.subject.height_cm == 171.0
        assert session.header_at_start.subject.pseudonym == "S-01"
        assert session.amended_fields == ("subject.pseudonym", "subject.height_cm", "consent.upload")
        first = session.amendments()[0]
        assert (first.who, first.wall_ns, first.old, first.new, first.why) == (
            "OP2", 5, "S-01", "S-02", "wrong label on the chart",
        )  # fmt: skip
    assert store.verify(folder).ok
    assert store.recover(folder).ok
    with store.open(folder) as session:
        assert session.header.subject is not None and session.header.subject.pseudonym == "S-02"
    store.erase(folder, why="asked")
    assert not (folder / "amendments.jsonl").exists()


def test_a_session_being_recorded_is_corrected_live_and_stays_so_after_a_crash(bed: Bed) -> None:
    bed.connect("adc")
    folder = bed.start()
    bed.ask("amend", changes={"subject.pseudonym": "S-02", "subject.sex": "male"}, who="OP2", why="mistyped")
    told = bed.status().session
    assert told.subject["pseudonym"] == "S-02"
    assert told.amended == ("subject.pseudonym", "subject.sex")
    assert bed.ask("describe")["header"]["subject"]["sex"] == "male"
    event = next(e for e in bed.ask("events")["events"] if e["kind"] == "amended")
    assert (event["payload"]["operator"], event["payload"]["why"]) == ("OP2", "mistyped")
    with pytest.raises(SessionError, match="Record page"):
        bed.until((folder / "amendments.jsonl").is_file)
        store.amend(folder, {"notes": "x"}, who="OP2", why="w", wall_ns=1)
    bed.crash()
    bed.station.start()
    assert bed.status().session.subject["pseudonym"] == "S-02"
    assert bed.status().session.amended == ("subject.pseudonym", "subject.sex")
    assert bed.ask("confirm_subject", pseudonym="S-02", operator="OP2")
    bed.ask("stop")
    with store.open(folder) as session:
        assert session.header_at_start.subject is not None
        assert session.header_at_start.subject.pseudonym == "S-01"


@pytest.mark.parametrize(
    ("changes", "who", "why", "said"),
    [
        ({"subject.pseudonym": "S-02"}, " ", "w", "no operator code"),
        ({"subject.pseudonym": "S-02"}, "OP", " ", "say why"),
        ({"subject.pseudonym": "Erika Mustermann"}, "OP", "w", "letters, digits"),
        ({"subject.age_y": 300}, "OP", "w", "age 300 is outside"),
        ({"subject.pseudonym": "S-01"}, "OP", "w", "nothing was changed"),
        ({"session_id": "x"}, "OP", "w", "can be amended"),
        ({"consent.record": False}, "OP", "w", "can be amended"),
        ({}, "OP", "w", "nothing was changed"),
        ({"notes": "fine", "subject.sex": "male", "subject.age_y": -1}, "OP", "w", "outside"),
    ],
)
def test_what_cannot_be_taken_is_named_and_nothing_is_written(
    bed: Bed, changes: dict[str, object], who: str, why: str, said: str
) -> None:
    folder = recorded(bed)
    with pytest.raises(ConfigError, match=said):
        store.amend(folder, changes, who=who, why=why, wall_ns=1)
    assert not (folder / "amendments.jsonl").exists()


@given(
    st.lists(
        st.tuples(
            st.sampled_from([*AMENDABLE, "note", "session_id"]),
            st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=40)),
        ),
        max_size=6,
    )
)
def test_any_list_of_amendments_gives_a_header(pairs: list[tuple[str, object]]) -> None:
    """One that cannot be taken is passed over; the others hold, the newest of a field last."""
    found = [Amendment(field, None, new, "OP", "w", 1) for field, new in pairs]
    header = amended(HEADER, found)
    assert header.session_id == "s"
    for field in AMENDABLE:
        takeable = []
        for pair_field, new in pairs:
            if pair_field == field:
                try:
                    takeable.append(value_of(with_amendment(HEADER, field, new), field))
                except ConfigError:
                    continue
        wanted = takeable[-1] if takeable else value_of(HEADER, field)
        assert repr(value_of(header, field)) == repr(wanted)
