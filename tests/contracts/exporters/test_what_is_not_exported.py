"""What an export leaves out, refuses, does not overwrite, and asks consent for."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from foreign_readers import BACK

from recorder.errors import ConfigError, SessionError
from recorder.exchange.exports import export_record
from recorder.exchange.exports.export import FORMATS, Custody, ExportStopped, Report, Selection
from recorder.schema.labelling import Deed
from recorder.session import annotations
from tests.contracts.export_session import OPERATOR, two_eras

ALL = tuple(FORMATS)
MARKED = re.compile(r"unfinished\W+true")


@pytest.mark.parametrize("to", ALL)
def test_cancelled_nothing_stays(to: str, two: Path, tmp_path: Path, run: Callable[..., Report]) -> None:
    calls = iter(range(100))
    with pytest.raises(ExportStopped):
        run(two, to, stopped=lambda: next(calls) >= 5)
    assert list((tmp_path / "out").iterdir()) == []
    assert export_record.read(tmp_path / "home") == ([], [])


@pytest.mark.parametrize("to", ALL)
def test_what_is_there_is_not_overwritten(
    to: str, two: Path, tmp_path: Path, run: Callable[..., Report]
) -> None:
    first = run(two, to)
    before = {path: path.read_bytes() for path in first.files}
    with pytest.raises(ConfigError, match="there already and is not overwritten"):
        run(two, to)
    assert {path: path.read_bytes() for path in first.files} == before
    assert len(export_record.exports_of(tmp_path / "home", "S-08")) == 1
    (tmp_path / "shelf").mkdir()
    shelved = run(two, to, out=tmp_path / "shelf")
    assert shelved.path == tmp_path / "shelf" / f"{two.name}{FORMATS[to].suffix}"


def test_without_a_wristband_there_is_no_e4_zip(
    two: Path, tmp_path: Path, run: Callable[..., Report]
) -> None:
    with pytest.raises(ConfigError, match=r"needs the streams of a wristband; there is adc\.wave"):
        run(two, "e4zip", Selection(streams=("adc.*",)))
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("selection", "words"),
    [
        (Selection((5.0, 5.0)), "the end must come after the start"),
        (Selection((500.0, 600.0)), "choose a part of it"),
        (Selection(streams=("e5.*",)), "no stream 'e5"),
    ],
)
def test_a_selection_of_nothing_is_refused(
    selection: Selection, words: str, two: Path, run: Callable[..., Report]
) -> None:
    with pytest.raises(ConfigError, match=words):
        run(two, "csv", selection)


def test_estimates_that_are_hidden_stay_hidden(tmp_path: Path, run: Callable[..., Report]) -> None:
    folder = two_eras(tmp_path / "h", template={"rules": {"estimates_hidden": True}})
    report = run(folder, "csv")
    assert not (report.path / "edge.estimates.csv").exists()
    assert report.left_out == ("edge.estimates: estimates are hidden in this session",)
    assert BACK["csv"](report).said("quality", "poor"), "quality is no estimate"


def test_labels_of_raters_still_blind_to_each_other_are_left_out(
    tmp_path: Path, run: Callable[..., Report]
) -> None:
    folder = two_eras(tmp_path / "blind")
    add = Deed("add", "e1", "R2", 1, "test", "z", kind="instant", t0_s=9.0, t1_s=9.0, label="peak")
    annotations.append(folder, "labels", [add])
    report = run(folder, "csv")
    (said,) = report.left_out
    assert said.startswith("label set labels: its raters are still blind to each other, ")
    assert "R2" in said and said.endswith("not having finished")
    assert not BACK["csv"](report).said("annotation")


@pytest.mark.parametrize("deidentify", [False, True])
@pytest.mark.parametrize("to", [name for name in ALL if name != "e4zip"])
def test_labels_of_a_lone_rater_are_given_and_say_whether_they_are_finished(
    to: str, deidentify: bool, tmp_path: Path, run: Callable[..., Report]
) -> None:
    """Nobody else is blind to them; whether they are finished is of the set itself, whoever else rates."""
    folder = two_eras(tmp_path / "lone")
    report = run(folder, to, Selection(deidentify=deidentify), out=tmp_path / "open")
    assert (report.left_out, report.unfinished) == ((), ("labels",))
    assert report.to_json()["unfinished"] == ("labels",)
    told = BACK[to](report)
    assert told.said("annotation") and MARKED.search(told.whole)
    assert to not in ("edf", "wfdb") or told.said("annotation", "(unfinished)"), (
        "their labels are this text alone"
    )
    annotations.append(folder, "labels", [Deed("finish", "f1", OPERATOR, 2, "test", t0_s=0.0, t1_s=60.0)])
    after = run(folder, to, Selection(deidentify=deidentify), out=tmp_path / "finished")
    assert after.unfinished == () and "unfinished" not in after.to_json()
    told = BACK[to](after)
    assert told.said("annotation") and not told.said("unfinished") and not MARKED.search(told.whole)


def test_of_who_has_withdrawn_nothing_is_exported(
    two: Path, tmp_path: Path, run: Callable[..., Report]
) -> None:
    home = tmp_path / "home"
    for name in ("s-08", "S-07"):  # as it is spelled now, and as it was typed at Start
        custody = Custody(home, withdrawn=frozenset({name.casefold()}))
        with pytest.raises(SessionError, match="has withdrawn; nothing of the session is exported"):
            run(two, "csv", custody=custody)
    assert not (tmp_path / "out").exists()


def test_for_others_only_by_consent_or_with_a_reason_on_record(
    two: Path, tmp_path: Path, run: Callable[..., Report]
) -> None:
    home = tmp_path / "home"
    with pytest.raises(SessionError, match=r"no scope 'upload'.*reason"):
        run(two, "csv", custody=Custody(home, for_others=True))
    assert not (tmp_path / "out" / "csv").exists()
    report = run(two, "csv", custody=Custody(home, "OP1", for_others=True, reason="ethics vote 12"))
    assert "given to others although" in report.consent
    (record,) = export_record.exports_of(home, "S-08")
    assert (record.for_others, record.reason, record.operator) == (True, "ethics vote 12", "OP1")
    own = run(two, "xdf", custody=Custody(home))
    assert own.consent.startswith("own copy, not to be given to others")
