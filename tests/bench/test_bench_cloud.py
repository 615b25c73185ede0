"""``bench cloud`` in small: the record path as it is measured, at its real sockets."""

from __future__ import annotations

import pytest

from hemoview.bench import cloud_record


@pytest.mark.slow
def test_the_record_path_is_measured_and_a_second_pass_sends_no_body() -> None:
    found = cloud_record.run(megabytes=40, sessions=2, hours=0.1)
    assert (found["large_bodies"], found["second_pass_bodies"]) == (8, 0)
    assert found["segments"] > 10
    assert found["ingest_mb_per_s"] > 0 < found["segments_per_s"]
