"""A file on its way into custody: the same file is the same blob, and nothing else opens it."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from recorder.errors import WireError
from recorder.sync import custody
from tests.sync.bodies import DATA_KEY, SESSION_ID, WRAPPING_KEY, WRAPPING_PUBLIC

NAME = "segments/e4.bvp-0.parquet"
WRAPPED = (
    "225d412f7ad014dcaeb806f2ca3e10e7d3c0fffca6782b6d3acf5e7376302d4acba8e099dfdd7b85"
    "07496fca23600e05432d68b768a6ffce0a55762c96a6d7764017c119f83a45d8fe0452a183562473"
)
names = st.sampled_from([NAME, "session.json", "manifest.json"])


def test_golden_bytes() -> None:
    """What is in custody since the first release must be readable for ever: these bytes never change."""
    blob = custody.encrypt(DATA_KEY, SESSION_ID, NAME, b"golden rows")
    assert blob.nonce == "7835ee234dd4b458c09c26de"
    assert blob.content.hex() == "55ccce63cfb4f2dc88222994965d5f0de4692c78f9cca75fe3c789"
    assert blob.blob_sha256 == "1e077a6b9727e6b3051d659ef6291d23d51b7c2214c890e794c4bbe8faf1053f"


@given(plain=st.binary(max_size=500), name=names)
def test_a_file_comes_back(plain: bytes, name: str) -> None:
    blob = custody.encrypt(DATA_KEY, SESSION_ID, name, plain)
    assert custody.encrypt(DATA_KEY, SESSION_ID, name, plain) == blob
    assert blob.blob_sha256 == hashlib.sha256(blob.content).hexdigest()
    assert len(blob.content) == len(plain) + custody.TAG_BYTES
    assert custody.decrypt(DATA_KEY, SESSION_ID, name, blob.plain_sha256, blob.content) == plain


@given(plain=st.binary(max_size=64), other=st.binary(max_size=64), name=names, other_name=names)
def test_a_nonce_comes_twice_only_for_the_same_file(
    plain: bytes, other: bytes, name: str, other_name: str
) -> None:
    one = custody.encrypt(DATA_KEY, SESSION_ID, name, plain)
    two = custody.encrypt(DATA_KEY, SESSION_ID, other_name, other)
    assert (one.nonce == two.nonce) == ((name, plain) == (other_name, other))


@given(plain=st.binary(min_size=1, max_size=64), at=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_a_changed_bit_is_found(plain: bytes, at: int, bit: int) -> None:
    blob = custody.encrypt(DATA_KEY, SESSION_ID, NAME, plain)
    changed = bytearray(blob.content)
    changed[at % len(changed)] ^= 1 << bit
    with pytest.raises(WireError, match="cannot be decrypted"):
        custody.decrypt(DATA_KEY, SESSION_ID, NAME, blob.plain_sha256, bytes(changed))


def test_a_blob_put_in_the_place_of_another_is_found() -> None:
    blob = custody.encrypt(DATA_KEY, SESSION_ID, NAME, b"rows")
    for session_id, name in ((SESSION_ID, "session.json"), ("another", NAME)):
        with pytest.raises(WireError, match="cannot be decrypted"):
            custody.decrypt(DATA_KEY, session_id, name, blob.plain_sha256, blob.content)
    with pytest.raises(WireError):
        custody.decrypt(custody.new_data_key(), SESSION_ID, NAME, blob.plain_sha256, blob.content)
    with pytest.raises(WireError):
        custody.decrypt(DATA_KEY, SESSION_ID, NAME, blob.plain_sha256, b"short")


def test_a_key_goes_to_the_service_alone() -> None:
    wrapped = custody.wrap(DATA_KEY, SESSION_ID, WRAPPING_PUBLIC)
    assert len(wrapped) == 2 * custody.WRAPPED_BYTES
    assert wrapped != custody.wrap(DATA_KEY, SESSION_ID, WRAPPING_PUBLIC)
    assert custody.unwrap(wrapped, SESSION_ID, WRAPPING_KEY) == DATA_KEY
    for session_id, key in (("another", WRAPPING_KEY), (SESSION_ID, X25519PrivateKey.generate())):
        with pytest.raises(WireError, match="wrapped for another"):
            custody.unwrap(wrapped, session_id, key)
    with pytest.raises(WireError):
        custody.unwrap("00", SESSION_ID, WRAPPING_KEY)


def test_a_wrapped_key_of_the_first_release_opens() -> None:
    assert custody.unwrap(WRAPPED, SESSION_ID, WRAPPING_KEY) == DATA_KEY


def test_a_wrapping_key_that_is_none_is_refused() -> None:
    for wrong in ("", "ab", "00" * 32):
        with pytest.raises(WireError):
            custody.wrap(DATA_KEY, SESSION_ID, wrong)
