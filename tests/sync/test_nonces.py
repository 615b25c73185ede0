"""The worst that could happen: one key, one nonce, two plaintexts. Watched where the cipher itself is called."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recorder import session as store
from recorder.session.manifest import SEGMENT_FOLDER, read_manifest, write_manifest
from recorder.sync import custody
from tests.sync.fake_service import FakeService
from tests.sync.sync_rig import Bedside

KEY, ID = b"k" * 32, "a" * 32


@pytest.fixture
def enciphered(monkeypatch: pytest.MonkeyPatch) -> dict[tuple[bytes, bytes], set[bytes]]:
    """(key, nonce) → every plaintext that was ever encrypted under them."""
    seen: dict[tuple[bytes, bytes], set[bytes]] = defaultdict(set)
    cipher = custody.AESGCM

    class Watched:
        def __init__(self, key: bytes) -> None:
            self._key, self._cipher = key, cipher(key)

        def encrypt(self, nonce: bytes, plain: bytes, bound: bytes) -> bytes:
            seen[self._key, nonce].add(plain)
            return self._cipher.encrypt(nonce, plain, bound)

        def decrypt(self, *what: Any) -> bytes:
            return self._cipher.decrypt(*what)

    monkeypatch.setattr(custody, "AESGCM", Watched)
    return seen


versions = st.lists(
    st.tuples(st.sampled_from(["manifest.json", "segments/a-0.parquet"]), st.binary(max_size=40)), min_size=2
)


@given(written=versions)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_name_that_is_written_again_and_again_never_meets_its_nonce_with_other_bytes(
    written: list[tuple[str, bytes]], enciphered: dict[tuple[bytes, bytes], set[bytes]]
) -> None:
    """Re-sealed under the same number, amended, a manifest that grows: the nonce follows the bytes."""
    for name, plain in written:
        custody.encrypt(KEY, ID, name, plain)
    assert all(len(plains) == 1 for plains in enciphered.values())


def test_a_session_amended_and_a_segment_sealed_anew_with_other_bytes(
    folder: Path,
    service: FakeService,
    bedside: Bedside,
    enciphered: dict[tuple[bytes, bytes], set[bytes]],
) -> None:
    bedside.bring(folder)
    for number in range(3):
        store.amend(
            folder, {"subject.pseudonym": f"S-1{number}"}, who="OP1", why="typed wrong", wall_ns=number
        )
        bedside.bring(folder)
    n_sent = len(enciphered)
    _seal_anew(folder)
    bedside.bring(folder)
    assert len(enciphered) > n_sent, "the changed segment was encrypted too"
    assert all(len(plains) == 1 for plains in enciphered.values())
    assert len({key for key, _ in enciphered}) == 1


def _seal_anew(folder: Path) -> None:
    """What a faulty recovery would do: other bytes under the name of a segment, and the manifest says so."""

    manifest = read_manifest(folder)
    row = manifest.segments[0]
    path = folder / SEGMENT_FOLDER / row.name
    content = path.read_bytes() + b"x"
    path.chmod(0o600)
    path.write_bytes(content)
    anew = replace(row, sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))
    write_manifest(folder, replace(manifest, segments=(anew, *manifest.segments[1:])))
