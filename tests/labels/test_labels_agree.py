"""``hemoview labels agree`` on a stored session: two raters, refusals by name, what models were seen."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from hemoview import cli
from hemoview.labels.annotation import Deed, LabelFold, Suggested, labels_of
from hemoview.labels.raters.raters import independent_of, looked_at, may_see, models_visible
from recorder import session
from recorder.clock import ClockEra
from recorder.session import annotations as store

ERA = ClockEra(0, "era-0", "boot-0", 5_000_000_000_000, 1_790_000_000_000_000_000)
MODEL = "ab" * 32
_numbers = count(1)


def deed(act: str, rater: str, **told: object) -> Deed:
    number = next(_numbers)
    return Deed(act, f"d{number}", rater, ERA.wall_ns + number, "hemoview test", **told)  # type: ignore[arg-type]


def label(rater: str, kind: str, t0_s: float, t1_s: float, name: str, **told: object) -> Deed:
    place = {"kind": kind, "t0_s": t0_s, "t1_s": t1_s, "label": name}
    return deed("add", rater, annotation_id=f"a{next(_numbers)}", **place, **told)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    header = session.SessionHeader("s", "bed-1", ERA.wall_ns, zone="UTC", utc_offset_s=0)
    session.create(tmp_path / "s", header, ERA).close("test")
    yield tmp_path / "s"


def ten_minutes(rater: str, late_s: float = 0.0, *, miss: int = -1) -> list[Deed]:
    spans = [
        label(rater, "span", t + late_s, t + 8.0 + late_s, "motion")
        for n, t in enumerate(range(0, 580, 20))
        if n != miss
    ]
    quality = [
        label(rater, "quality", t, t + 10.0, ("good", "usable", "bad")[t // 10 % 3])
        for t in range(0, 600, 10)
    ]
    return [*spans, *quality, label(rater, "instant", 300.0 + late_s, 300.0 + late_s, "arm-moved")]


def ask(folder: Path, *words: str) -> int:
    return cli.main(["labels", "agree", str(folder), *words, "--json"])


def done(*raters: str) -> list[Deed]:
    return [deed("finish", rater, t0_s=0.0, t1_s=600.0) for rater in raters]


def test_two_raters_are_compared(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store.append(folder, "labels", [*ten_minutes("OP1"), *ten_minutes("OP2", 1.0, miss=3)])
    code = ask(folder, "--a", "OP1", "--b", "OP2", "--unfinished")
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert code == 0
    assert told["spans"]["pooled"]["f1"]["0.5"]["n_matched"] == 28
    assert 0.7 < told["spans"]["by_label"]["motion"]["kappa"] < 0.9
    assert told["quality"]["pooled"]["kappa"] == 1.0
    assert told["instants"]["pooled"]["why"] == "too few" and told["instants"]["pooled"]["n_needed"] == 5
    assert told["looked_known_from"] == {"OP1": "labels", "OP2": "labels"}
    assert told["set_version"] == labels_of(folder).version()


def test_a_person_reads_a_line_a_figure(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store.append(
        folder, "labels", [*ten_minutes("OP1"), *ten_minutes("OP2", 1.0, miss=3), *done("OP1", "OP2")]
    )
    assert cli.main(["labels", "agree", str(folder), "--a", "OP1", "--b", "OP2"]) == 0
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert "quality all: kappa 1.00 (1.00 to 1.00)" in lines
    assert any(line.startswith("span motion: kappa 0.") and "0.98 at 0.5" in line for line in lines)
    assert "instant arm-moved: F1 – (too few: 2 marks of both together, 5 needed) within 0.5 s" in lines


def test_too_few_steps_say_how_many_there_are_and_how_many_are_needed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    short = [deed("finish", rater, t0_s=0.0, t1_s=20.0) for rater in ("OP1", "OP2")]
    store.append(folder, "labels", [*ten_minutes("OP1"), *ten_minutes("OP2", 1.0, miss=3), *short])
    assert cli.main(["labels", "agree", str(folder), "--a", "OP1", "--b", "OP2"]) == 0
    said = capsys.readouterr().out
    assert re.search(r"quality all: kappa – \(too few: \d+ steps that both rated, 30 needed\)", said), said


def test_before_both_have_finished_nothing_of_either_is_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second rater at a command line sees no more than in the window."""
    pair = ("--a", "OP1", "--b", "OP2")
    store.append(folder, "labels", [*ten_minutes("OP1"), *ten_minutes("OP2", 1.0)])
    for finished, told in (
        ([deed("reopen", "OP1")], "OP1 and OP2 have not finished"),
        (done("OP1"), "OP2 has not finished"),
        ([*done("OP2"), deed("reopen", "OP1")], "OP1 has not finished"),
    ):
        store.append(folder, "labels", finished)
        assert ask(folder, *pair) == 1
        said = capsys.readouterr()
        assert told in said.err and "My labels are finished" in said.err
        assert "kappa" not in said.out + said.err and "motion" not in said.out + said.err
    store.append(folder, "labels", done("OP1"))
    assert ask(folder, *pair) == 0 and "kappa" in capsys.readouterr().out


def test_a_rater_without_labels_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store.append(folder, "labels", ten_minutes("OP1"))
    assert ask(folder, "--a", "OP1", "--b", "OP9") == 1
    assert "rater OP9 has no labels; labels were made by OP1" in capsys.readouterr().err


def test_two_who_looked_at_other_stretches_are_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    early = label("OP1", "span", 10.0, 20.0, "motion")
    late = label("OP2", "span", 400.0, 420.0, "motion")
    store.append(folder, "labels", [early, late])
    assert ask(folder, "--a", "OP1", "--b", "OP2", "--unfinished") == 1
    assert "OP1 looked at 10–20 s and OP2 at 400–420 s: at nothing in common" in capsys.readouterr().err
    store.append(folder, "labels", done("OP1", "OP2"))  # each declared that there was nothing else
    assert ask(folder, "--a", "OP1", "--b", "OP2") == 0


def test_no_session_and_the_same_rater_twice(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(folder.parent / "elsewhere", "--a", "OP1", "--b", "OP2") == 1
    assert ask(folder, "--a", "OP1", "--b", "OP1") == 1
    assert "Traceback" not in capsys.readouterr().err


def test_nobody_sees_the_other_before_both_are_done() -> None:
    fold = LabelFold([label("OP1", "span", 1, 2, "motion"), label("OP2", "span", 1, 2, "motion")])
    assert may_see(fold, "OP1") == may_see(fold, "OP2") == frozenset()
    fold.take(deed("finish", "OP1", t0_s=0.0, t1_s=60.0))
    assert may_see(fold, "OP1") == may_see(fold, "OP2") == frozenset()
    fold.take(deed("finish", "OP2", t0_s=0.0, t1_s=30.0))
    assert (may_see(fold, "OP1"), may_see(fold, "OP2")) == ({"OP2"}, {"OP1"})
    assert looked_at(fold, "OP2").spans == ((0.0, 30.0),)
    fold.take(deed("reopen", "OP1"))
    assert may_see(fold, "OP1") == may_see(fold, "OP2") == frozenset()


def test_labels_made_under_the_eyes_of_a_model_do_not_judge_it() -> None:
    told = Suggested("student", MODEL, visible=True, accepted=False)
    hidden = Suggested("student", MODEL, visible=False)
    fold = LabelFold(
        [
            label("OP1", "span", 1, 2, "motion", suggestion=told),
            label("OP1", "span", 3, 4, "motion", suggestion=hidden),
            label("OP1", "span", 5, 6, "motion"),
            label("OP2", "span", 7, 8, "motion", origin={"models": [MODEL]}),
        ]
    )
    assert models_visible(fold) == {MODEL: 2}
    kept, left_out = independent_of(fold, [MODEL])
    assert ([a.t0_s for a in kept], left_out) == ([3, 5], 2)


def test_who_changes_labels_after_having_seen_the_others_is_no_blind_rater(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = label("OP2", "span", 50.0, 58.0, "motion")
    store.append(
        folder, "labels", [*ten_minutes("OP1"), *ten_minutes("OP2", 1.0, miss=3), *done("OP1", "OP2")]
    )
    words = ("labels", "agree", str(folder), "--a", "OP1", "--b", "OP2")
    assert cli.main([*words]) == 0 and "not blind" not in capsys.readouterr().out
    back = deed("undo", "OP2", undoes=first.deed_id)
    store.append(
        folder, "labels", [deed("reopen", "OP2"), first, back, deed("finish", "OP2", t0_s=0.0, t1_s=600.0)]
    )
    assert cli.main([*words]) == 0
    assert "not blind: OP2 changed 2 after OP1's labels were open to OP2" in capsys.readouterr().out
    assert ask(folder, "--a", "OP1", "--b", "OP2") == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["changed_after_seeing_the_other"] == {"OP1": 0, "OP2": 2}
