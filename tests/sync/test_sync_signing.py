"""Who says so: signatures for one purpose, receipts of the very manifest, device tokens."""

from __future__ import annotations

import dataclasses
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.errors import SignatureWrong, WireError
from recorder.sync import signing, wire
from tests.sync.bodies import (
    DEVICE_KEY,
    NOW_US,
    SERVER_ID,
    SERVER_KEY,
    WRAPPING_PUBLIC,
    manifest,
    receipt_of,
)

DEVICE, SERVER = signing.public_hex(DEVICE_KEY), signing.public_hex(SERVER_KEY)
NOW_S = NOW_US // 1_000_000


def test_golden_signature() -> None:
    assert (
        signing.fingerprint(manifest()) == "c11fc48f2ce3d29af1e7398258edeac79a301525c8852d874b28994eb225d137"
    )
    assert signing.sign_manifest(DEVICE_KEY, manifest()).signature == (
        "101ec6d5c263f55db4b6002b85cd581a46ebec60ef6bc67f03d914239c2b1aa0"
        "2f8cffbbd58dd21ff1a4397197c3fea62ea47e1ebee6ecda783c7baddf89360b"
    )


def test_keys_are_kept_and_found_again() -> None:
    key = signing.new_key()
    assert signing.public_hex(signing.key_from_hex(signing.private_hex(key))) == signing.public_hex(key)
    for wrong in ("", "zz" * 32, "ab"):
        with pytest.raises(WireError):
            signing.key_from_hex(wrong)


def test_a_manifest_is_of_its_device() -> None:
    signed = signing.sign_manifest(DEVICE_KEY, manifest())
    signing.verify_manifest(DEVICE, signed)
    with pytest.raises(SignatureWrong):
        signing.verify_manifest(SERVER, signed)
    changed = dataclasses.replace(signed, manifest=manifest(state="open"))
    with pytest.raises(SignatureWrong):
        signing.verify_manifest(DEVICE, changed)


def test_a_signature_for_one_purpose_is_none_for_another() -> None:
    facts = {"a": 1}
    with pytest.raises(SignatureWrong):
        signing.verify(DEVICE, signing.RECEIPT, facts, signing.sign(DEVICE_KEY, signing.MANIFEST, facts))


def test_a_receipt_is_of_this_service_and_this_manifest() -> None:
    sent = manifest(2)
    signing.verify_receipt(SERVER, SERVER_ID, signing.sign_receipt(SERVER_KEY, receipt_of(sent)), sent)
    for name, wrong in (
        ("server_id", "another"),
        ("session_id", "another"),
        ("rev", 3),
        ("manifest_sha256", "ab" * 32),
        ("files", 1),
        ("bytes", 1),
    ):
        signed = signing.sign_receipt(SERVER_KEY, receipt_of(sent, **{name: wrong}))
        with pytest.raises(WireError, match=name):
            signing.verify_receipt(SERVER, SERVER_ID, signed, sent)
    with pytest.raises(SignatureWrong):
        forged = signing.sign_receipt(DEVICE_KEY, receipt_of(sent))
        signing.verify_receipt(SERVER, SERVER_ID, forged, sent)


def hello(**changes: object) -> dict[str, object]:
    facts = {
        "server_id": SERVER_ID,
        "server_us": NOW_US,
        "software": "hemoview 0.1.0",
        "signing_public_key": SERVER,
        "wrapping_public_key": WRAPPING_PUBLIC,
        "wrapping_key_id": "wrap-1",
        "production": True,
    }
    return signing.sign_hello(SERVER_KEY, {**facts, **changes})


def test_hello_is_said_by_the_key_it_names_and_may_say_more() -> None:
    assert signing.verify_hello(hello()).server_id == SERVER_ID
    assert signing.verify_hello(hello(region="north")).production
    for name, value in (("server_id", "x"), ("wrapping_public_key", "ab" * 32), ("region", "north")):
        with pytest.raises(SignatureWrong):
            signing.verify_hello({**hello(), name: value})


def test_nobody_enrols_a_key_that_is_not_theirs() -> None:
    asked = signing.sign_enrolment(DEVICE_KEY, "ABCD-EFGH", "laptop", "bed3")
    signing.verify_enrolment(asked)
    with pytest.raises(SignatureWrong):
        signing.verify_enrolment(dataclasses.replace(asked, public_key=SERVER))
    with pytest.raises(SignatureWrong):
        signing.verify_enrolment(dataclasses.replace(asked, station="bed4"))


# ---- tokens


def token(now_s: int = NOW_S, lives_s: int = signing.TOKEN_S) -> str:
    return signing.device_token(DEVICE_KEY, "bed-3", SERVER_ID, now_s=now_s, token_id="j-1", lives_s=lives_s)


def keys(device_id: str) -> str | None:
    return DEVICE if device_id == "bed-3" else None


def test_a_token_says_who() -> None:
    assert signing.claimed_device(token()) == "bed-3"
    found = signing.verify_token(token(), keys, SERVER_ID, NOW_S + 10)
    assert found == signing.DeviceToken("bed-3", NOW_S + signing.TOKEN_S, "j-1")


@pytest.mark.parametrize(
    ("given", "server_id", "now_s", "why"),
    [
        (token(), "another", NOW_S, "another kind, device or service"),
        (token(), SERVER_ID, NOW_S + signing.TOKEN_S + signing.LEEWAY_S, "expired"),
        (token(), SERVER_ID, NOW_S - signing.LEEWAY_S - 1, "from the future"),
        (token(lives_s=signing.TOKEN_S + 1), SERVER_ID, NOW_S, "lives too long"),
        (token(lives_s=0), SERVER_ID, NOW_S, "lives too long"),
        (token()[:-4] + "AAAA", SERVER_ID, NOW_S, "signature is wrong"),
        ("", SERVER_ID, NOW_S, "not one of a device"),
        ("a.b.c", SERVER_ID, NOW_S, "not one of a device"),
        (token() + "x" * 3_000, SERVER_ID, NOW_S, "not one of a device"),
    ],
)
def test_any_other_token_is_refused(given: str, server_id: str, now_s: int, why: str) -> None:
    with pytest.raises(SignatureWrong, match=why):
        signing.verify_token(given, keys, server_id, now_s)


def test_a_revoked_device_is_refused() -> None:
    with pytest.raises(SignatureWrong, match="not enrolled here, or was revoked"):
        signing.verify_token(token(), lambda _: None, SERVER_ID, NOW_S)


@pytest.mark.parametrize("algorithm", ["none", "HS256", "EdDSA"])
def test_a_token_chooses_no_algorithm(algorithm: str) -> None:
    head, claims, signature = token().split(".")
    header = json.loads(urlsafe_b64decode(head + "=="))
    forged = urlsafe_b64encode(json.dumps({**header, "alg": algorithm}).encode()).decode().rstrip("=")
    for end in (signature, ""):
        with pytest.raises(SignatureWrong):
            signing.verify_token(f"{forged}.{claims}.{end}", keys, SERVER_ID, NOW_S)


@given(st.text(max_size=300))
def test_any_text_is_a_token_or_refused(text: str) -> None:
    with pytest.raises(SignatureWrong):
        signing.verify_token(text, keys, SERVER_ID, NOW_S)


def test_problem_types_are_urns() -> None:
    assert wire.Problem("no", 409, wire.REVISION_TAKEN, rev=2, manifest_sha256="ab" * 32).rev == 2
