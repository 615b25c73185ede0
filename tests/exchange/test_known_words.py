"""What the program itself says of a recording is in its de-identified export; what a person typed is not."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
import pytest

from hemoview.labels.alignment import REFUSED
from hemoview.labels.raters.deeds import Author
from hemoview.labels.raters.scheme import SHIPPED_LABELS
from recorder import session as store
from recorder.devices.detectors import FindingKind
from recorder.devices.sim.physiology import simulate
from recorder.devices.sim.population import random_subject
from recorder.devices.sim.stick import StickPlan, write_stick
from recorder.exchange.exports.export import Custody, Selection, export
from recorder.exchange.exports.known_words import KNOWN_LABELS, KNOWN_WORDS
from recorder.exchange.imports.importing import Order, Wanted, carry_out, look
from recorder.schema import CO_CALIBRATED, FINGER_CHANGED, REFERENCE_CALIBRATED, Subject
from recorder.session import annotations

ROOT = Path(__file__).parents[2]
_NOTICE = re.compile(
    r"""\b_?[Nn]otice\(\s*"([a-z][a-z-]+)"|"kind": "([a-z][a-z-]+)",\s*"(?:message|detail)"""
)
_TROUBLE = re.compile(r"""^    nonin\.[A-Z_]+: \("([a-z-]+)",""", re.MULTILINE)


def notices() -> Iterator[str]:
    """Kinds of all notices in the sources."""
    for folder in ("devices", "exchange", "acquire"):
        for path in sorted((ROOT / "recorder" / folder).rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            yield from (one or other for one, other in _NOTICE.findall(text))
            yield from _TROUBLE.findall(text)


def test_all_the_program_can_say_is_known() -> None:
    found = {*notices(), *get_args(FindingKind)}
    assert len(found) >= 30 and "sensor-alarm" in found and "signal-search" in found, "the search finds none"
    assert not found - KNOWN_WORDS
    assert not set(REFUSED) - KNOWN_WORDS


def test_labels_of_sets_templates_and_calibrations_are_known() -> None:
    assert not SHIPPED_LABELS - KNOWN_LABELS
    assert {REFERENCE_CALIBRATED, FINGER_CHANGED, CO_CALIBRATED} <= KNOWN_LABELS
    for path in (ROOT / "resources" / "templates").glob("*.toml"):
        template = tomllib.loads(path.read_text(encoding="utf-8"))
        told = {p[at] for p in template["phases"] for at in ("marker_at_start", "marker_at_end") if at in p}
        assert not {*template["markers"], *told} - KNOWN_LABELS, path.name


@pytest.fixture(scope="module")
def stick(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A session from a monitor's stick, with labels of a rater."""
    desk = tmp_path_factory.mktemp("desk")
    person = simulate(random_subject(np.random.default_rng(3)), 150.0, 3)
    files = write_stick(desk, person, datetime(2025, 1, 31, 9, 5, 7), StickPlan(calibrated_s=(60.0,)))
    order = Order((Wanted("cnap", files.beats),), Subject("P-014"), zone="Europe/Berlin")
    plan = look(order, None, 1_790_000_000_000_000_000)
    place = carry_out(plan, desk / "s", software={"HemoView": "test"}, now_wall_ns=1_790_000_000_000_000_000)
    author = Author("OP1", lambda: 1_790_000_000_000_000_000)
    made = [
        author.add("span", 70.0, 80.0, "poor-contact"),
        author.add("instant", 90.0, 90.0, "beat-foot"),
        author.add("span", 100.0, 110.0, "Anna felt dizzy"),
    ]
    annotations.append(place, "labels", made)
    return place


def test_an_export_without_identity_still_says_what_the_monitor_did_and_the_rater_saw(
    stick: Path, tmp_path: Path
) -> None:
    with store.open(stick) as session:
        report = export(
            session, "csv", tmp_path / "out", Selection(deidentify=True), custody=Custody(tmp_path / "home")
        )
    marks = pd.read_csv(report.path / "markers.csv")
    assert {REFERENCE_CALIBRATED, CO_CALIBRATED, "signal-search", "flat-line"} <= set(marks.label.dropna())
    spans = pd.read_csv(report.path / "spans.csv")
    assert "poor-contact" in set(spans.label.dropna()) and "beat-foot" in set(marks.label.dropna())
    assert "Anna" not in "".join(p.read_text(encoding="utf-8") for p in report.path.iterdir())
    assert report.dropped["label of an annotation"] == 1
