"""Sessions into custody: all of it arrives, decrypts to what lies here, and nothing goes twice."""

from __future__ import annotations

from pathlib import Path

from tests.sync.fake_service import FakeService
from tests.sync.sync_rig import Bedside, session


def local_files(folder: Path) -> dict[str, bytes]:
    names = ["session.json", "manifest.json", "amendments.jsonl"]
    paths = [folder / name for name in names if (folder / name).exists()]
    paths += [*folder.glob("segments/*.parquet"), *folder.glob("annotations/*.jsonl"), *folder.glob("alignments/*")]
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in paths}


def test_a_session_arrives_whole_and_a_second_pass_sends_no_body(
    tmp_path: Path, service: FakeService, bedside: Bedside
) -> None:
    folder = session(tmp_path / "s1")
    (first,) = bedside.bring(folder)
    assert first.is_safe and first.error == ""
    assert first.sent == first.segments > 0 and first.already_there == 0
    assert service.plain_files(first.session_id) == local_files(folder)
    assert not (folder / "live.sqlite").read_bytes() in service.blobs.values() if (folder / "live.sqlite").exists() else True
    (second,) = bedside.bring(folder)
    assert (second.sent, second.already_there, second.bytes_sent) == (0, first.segments, 0)
    assert set(service.bodies.values()) == {1}
    assert len(service.manifests[first.session_id]) == 1
    assert bedside.queue().waiting == 0
