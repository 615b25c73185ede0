"""Bodies that travel: written and read back the same, and refused by name where anything is wrong."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.errors import WireError
from recorder.sync import signing, wire
from recorder.sync.canonical import JSON_BYTES_MAX, as_bytes, canonical, read_json
from recorder.sync.fields import Body
from tests.sync import bodies

EXAMPLES: tuple[Body, ...] = (
    bodies.manifest(),
    bodies.manifest(2),
    signing.sign_manifest(bodies.DEVICE_KEY, bodies.manifest()),
    signing.sign_receipt(bodies.SERVER_KEY, bodies.receipt_of(bodies.manifest())),
    bodies.opening(),
    signing.sign_enrolment(bodies.DEVICE_KEY, "ABCD-EFGH", "ward 3 laptop", "bed3"),
    wire.Enrolled(
        "bed-3",
        bodies.SERVER_ID,
        bodies.NOW_US,
        "aa" * 32,
        "bb" * 32,
        "wrap-1",
        True,
        wire.Bed("b3", "Bed 3"),
    ),
    wire.BlobQuery(("ab" * 32,)),
    wire.BlobsMissing(()),
    wire.Heartbeat(
        bodies.NOW_US,
        5,
        "0.1.0",
        wire.Queue(3, 41, 9_000),
        (wire.Acknowledgement("o-1", "done"),),
    ),
    wire.HeartbeatAnswer(
        bodies.NOW_US, (wire.Order("o-1", "message", bodies.SESSION_ID, "cuff slipped?\n– Dr A"),)
    ),
    wire.Problem("Blobs are missing", 409, wire.MISSING_BLOBS, "2 blobs", ("ab" * 32,)),
)
SIGNED_STRICTLY = [one for one in EXAMPLES if not one.OPEN]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: type(one).__name__)
def test_a_body_comes_back_as_it_was_sent(example: Body) -> None:
    back = type(example).from_json(read_json(as_bytes(example)))
    assert back == example
    assert as_bytes(back) == as_bytes(example)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: type(one).__name__)
def test_a_missing_field_is_named(example: Body) -> None:
    for f in dataclasses.fields(example):  # type: ignore[arg-type]
        if f.default is dataclasses.MISSING:
            value = example.to_json()
            del value[f.name]
            with pytest.raises(WireError, match=f.name):
                type(example).from_json(value)


@pytest.mark.parametrize("example", SIGNED_STRICTLY, ids=lambda one: type(one).__name__)
def test_an_unknown_field_is_refused_where_a_signature_would_lose_it(example: Body) -> None:
    with pytest.raises(WireError, match="unknown field 'more'"):
        type(example).from_json({**example.to_json(), "more": 1})


def test_a_newer_service_may_say_more() -> None:
    assert wire.BlobsMissing.from_json({"missing": [], "since": "v2"}).missing == ()


@given(example=st.sampled_from(EXAMPLES), name_no=st.integers(0, 20), value=json_values)
def test_whatever_stands_in_a_field_it_is_read_or_refused(example: Body, name_no: int, value: Any) -> None:
    sent = example.to_json()
    name = sorted(sent)[name_no % len(sent)]
    try:
        back = type(example).from_json({**sent, name: value})
    except WireError as error:
        assert type(example).__name__ in str(error) and len(str(error)) < 400
    else:
        assert read_json(as_bytes(back))


@given(st.binary(max_size=200))
def test_any_bytes_are_an_object_or_refused(content: bytes) -> None:
    with contextlib.suppress(WireError):
        assert isinstance(read_json(content), dict)


@given(st.dictionaries(st.text(max_size=8), st.integers() | st.text(max_size=8) | st.booleans(), max_size=6))
def test_canonical_json_is_one_text_whatever_the_order(value: dict[str, Any]) -> None:
    try:
        text = canonical(value)
    except WireError:  # a lone surrogate
        return
    turned = dict(reversed(list(value.items())))
    assert canonical(turned) == text
    assert json.loads(text) == value


@pytest.mark.parametrize(
    "content",
    [b'{"a":1,"a":2}', b'{"a":NaN}', b'{"a":Infinity}', b"[1]", b"\xff", b"{", b'{"a":' + b"[" * 100_000],
)
def test_json_that_two_readers_could_read_differently_is_refused(content: bytes) -> None:
    with pytest.raises(WireError):
        read_json(content)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("session.json", "card"),
        ("manifest.json", "manifest"),
        ("amendments.jsonl", "amendments"),
        ("segments/e4.bvp-120.parquet", "segment"),
        ("segments/_clock-0.parquet", "segment"),
        ("alignments/0001.json", "alignment"),
        ("annotations/labels.jsonl", "labels"),
        ("tombstone.json", "tombstone"),
        ("live.sqlite", None),
        ("summary.bin", None),
        ("session.json.tmp", None),
        ("segments/../session.json", None),
        ("segments/a/b.parquet", None),
        ("../session.json", None),
        ("/session.json", None),
        ("segments/x.parquet.tmp", None),
        ("session.json\n", None),
    ],
)
def test_which_files_travel(name: str, kind: str | None) -> None:
    assert wire.kind_of(name) == kind


def test_a_manifest_has_each_file_once_and_in_order() -> None:
    files = bodies.manifest().files
    for wrong in (files[::-1], (files[0], files[0])):
        with pytest.raises(WireError, match="in order, each once"):
            bodies.manifest(files=wrong)


def test_the_chain_of_revisions_has_no_hole() -> None:
    for rev, before in ((1, "ab" * 32), (2, ""), (2, "ab")):
        with pytest.raises(WireError, match="prev_sha256"):
            bodies.manifest(rev, prev_sha256=before)


def test_a_kind_that_its_name_does_not_have_is_refused() -> None:
    good = bodies.travelling("session.json")
    with pytest.raises(WireError, match="is a card, not a segment"):
        dataclasses.replace(good, kind="segment")
    with pytest.raises(WireError, match="becomes 16 more"):
        dataclasses.replace(good, blob_bytes=good.plain_bytes)


def test_a_whole_day_stays_below_the_limit_of_a_body() -> None:
    one = bodies.travelling("segments/x.parquet").to_json()
    longest = {**one, "name": f"segments/{'x' * 60}.parquet"}
    assert len(canonical(longest)) * wire.FILES_MAX < JSON_BYTES_MAX
