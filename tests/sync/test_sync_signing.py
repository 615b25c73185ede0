"""Who says so: signatures for one purpose, receipts of the very manifest, device tokens."""

from __future__ import annotations

import dataclasses

import pytest

from hemoview.cloud.identity import tokens
from recorder.errors import SignatureWrong, WireError
from recorder.sync import signing, wire
from tests.sync.bodies import DEVICE_KEY, NOW_US, SERVER_ID, SERVER_KEY, WRAPPING_PUBLIC, manifest, receipt_of

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


def test_the_service_believes_a_token_of_the_bedside_while_it_lasts() -> None:
    token = signing.device_token(DEVICE_KEY, "bed-3", SERVER_ID, now_s=NOW_S, token_id="j-1")
    key = DEVICE_KEY.public_key().public_bytes_raw()
    assert tokens.device_of(token) == "bed-3"
    tokens.check(token, "bed-3", key, SERVER_ID, NOW_US)
    for server_id, later_s in (("another", 0), (SERVER_ID, 3_600), (SERVER_ID, -3_600)):
        with pytest.raises(tokens.TokenRefused):
            tokens.check(token, "bed-3", key, server_id, NOW_US + later_s * 1_000_000)


def test_problem_types_are_urns() -> None:
    assert wire.Problem("no", 409, wire.REVISION_TAKEN, rev=2, manifest_sha256="ab" * 32).rev == 2
