"""A subject in a session, a dataset, an export and a report: what a withdrawal has to find."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from hemoview.labels import make_dataset, write_dataset
from hemoview.labels.datasets.register import Registered, register
from recorder import session as sessions
from recorder.clock import ClockEra
from recorder.exchange.exports import export_record
from recorder.exchange.exports.export_record import ExportRecord
from recorder.schema import Channel, SampleBlock, StreamInfo, Subject

HR = StreamInfo("e4.hr", "e4", "numeric", (Channel("hr", "/min"),), "float64", None, "hr")
ERA = ClockEra(0, "era-0", "boot-0", 0, 1_790_000_000_000_000_000)


def session(home: Path, name: str, pseudonym: str) -> Path:
    folder = home / "sessions" / name
    folder.parent.mkdir(parents=True, exist_ok=True)
    header = sessions.SessionHeader(name, "bed-1", ERA.wall_ns, subject=Subject(pseudonym))
    writer = sessions.create(folder, header, ERA)
    writer.add_stream(HR)
    writer.write_block(SampleBlock("e4.hr", 0, np.array([[61.0]]), 1, 0, None, np.array([1])))
    writer.commit()
    writer.close("stopped")
    return folder


def dataset(home: Path, name: str, *subjects: str) -> Path:
    labels = np.full((len(subjects), 10), np.nan)
    labels[:, 3] = 70.0
    rng = np.random.default_rng(len(name))
    made = make_dataset(rng.normal(size=(len(subjects), 640)), 64.0, labels, list(subjects), name=name)
    version = write_dataset(home / name, made)
    register(home, Registered(str(home / name), version, name, tuple(subjects), (), 1, "hemoview 0"))
    return home / name


def export(home: Path, number: int, subject: str, session_id: str, **more: Any) -> Path:
    path = home / f"export-{number}.edf"
    path.write_bytes(b"samples")
    fields = {"span_s": None, "streams": ("e4.hr",), "deidentified": False, "for_others": False, **more}
    record = ExportRecord(f"x{number}", 1, session_id, "", subject, subject, "edf", (str(path),), **fields)
    export_record.append(home, record)
    return path


def report(folder: Path, *subjects: str, **facts: Any) -> Path:
    """As ``judging.write`` leaves it, with a page."""
    folder.mkdir(parents=True)
    (folder / "evaluation.json").write_text(json.dumps({"dataset": "cohort", **facts}), "utf-8")
    (folder / "report.html").write_text("<p>figures</p>", "utf-8")
    n = len(subjects)
    np.savez_compressed(
        folder / "predictions.npz",
        subject=np.array(subjects),
        t_s=np.arange(float(n)),
        labels=np.zeros((n, 10)),
        scored=np.ones(n, np.bool_),
        facts=np.array([1.0]),
    )
    return folder
