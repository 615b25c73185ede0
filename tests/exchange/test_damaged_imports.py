"""Any of a source's files damaged at will: a whole session or a refusal in words, and the source as it was."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recorder import session
from recorder.errors import RecorderError
from recorder.exchange.imports import importing, kinds
from recorder.exchange.imports.importing import Order
from recorder.schema import Subject
from tests.exchange import e4_made, stick_made
from tests.exchange.test_edf_source import write as write_edf

wfdb = pytest.importorskip("wfdb", reason="wfdb (extra exchange) writes the files")

NOW_NS = 1_790_000_000_000_000_000
TOKENS = (
    b"", b"\n", b"\r\n", b";", b",", b'"', b"-0", b"nan", b"inf", b"1e400", b"\0", b"\xff\xfe", b"9" * 30, b"-", b"/",
    b"..", b"0", b"~", b"#", b"1e9", b"\x14\x14", b"\xef\xbb\xbf",
)  # fmt: skip


def e4(folder: Path) -> Path:
    return e4_made.write_folder(folder, e4_made.files(2))


def stick(folder: Path) -> Path:
    files = stick_made.write(folder)
    files.waveform.write_bytes(b"\n".join(files.waveform.read_bytes().split(b"\n")[:300]) + b"\n")
    return folder


def record(folder: Path) -> Path:
    counts = np.arange(1000, dtype=np.int64).reshape(500, 2) % 300
    known = {
        "units": ["mV", "mmHg"],
        "sig_name": ["ECG", "ABP"],
        "fmt": ["16", "16"],
        "adc_gain": [200.0, 1.0],
    }
    wfdb.wrsamp("r", fs=100, d_signal=counts, baseline=[0, 0], write_dir=str(folder), **known)
    texts = ["## time resolution: 100", *[""] * 10]
    at, symbols = np.array([0, *range(10, 460, 45)]), ['"', *"N" * 10]
    wfdb.wrann("r", "atr", at, symbols, aux_note=texts, write_dir=str(folder))
    return folder / "r.hea"


def edf(folder: Path) -> Path:
    return write_edf(folder / "a.edf")[0]


def damaged(octets: bytes, data: st.DataObject) -> bytes:
    for _ in range(data.draw(st.integers(1, 4))):
        near = data.draw(st.sampled_from((60, 400, len(octets))))
        at = data.draw(st.integers(0, max(min(near, len(octets)), 1) - 1))
        token, gone = data.draw(st.sampled_from(TOKENS)), data.draw(st.sampled_from((0, 1, 3, len(octets))))
        octets = octets[:at] + token + octets[at + gone :]
    return octets


@pytest.mark.parametrize("make", [e4, stick, record, edf])
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_a_session_or_a_reason(
    make: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("d")
    source, out = make(folder), folder.with_name(f"{folder.name}-session")
    files = sorted(p for p in folder.iterdir() if p.is_file())
    one = data.draw(st.sampled_from(files))
    one.write_bytes(damaged(one.read_bytes(), data))
    before = {path: path.read_bytes() for path in files}
    try:
        wanted = kinds.sources_in(source)
        plan = importing.look(Order(wanted, Subject("P-1"), zone="UTC"), None, NOW_NS)
        accepted = [question.id for question in plan.questions]
        importing.carry_out(plan, out, accepted=accepted, software={}, now_wall_ns=NOW_NS)
        assert session.verify(out).ok
    except RecorderError as error:
        assert len(str(error)) > 20
        assert not out.exists()
    assert {path: path.read_bytes() for path in files} == before
    shutil.rmtree(out, ignore_errors=True)
