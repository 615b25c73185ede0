"""The form before an import: nothing is imported before it is read, vouched for, and every question answered."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from hemoview.viewmodel.exchange.import_form import ImportForm, accepted_ids, examine, order_of, zones
from hemoview.viewmodel.sessions.start_fields import StartForm
from recorder.errors import ConfigError
from recorder.exchange.imports import importing
from recorder.exchange.imports.importing import Plan
from recorder.exchange.imports.kinds import sources_of
from tests.exchange import e4_made

TODAY = date(2026, 2, 1)
NOW_NS = 1_770_000_000_000_000_000
WHO = StartForm(pseudonym="P-014", pseudonym_again="P-014", operator="OP1")


@pytest.fixture
def zipped(tmp_path: Path) -> Path:
    texts = e4_made.files(10)
    texts["EDA.csv"] = texts["EDA.csv"].replace("0.000037", "x")
    return e4_made.write_zip(tmp_path / "S01.zip", texts)


def form_of(*paths: Path, **more: object) -> ImportForm:
    wanted, refused = sources_of(paths)
    return replace(ImportForm(wanted, refused, WHO), **more)


def look(form: ImportForm, sessions: Path | None = None, now_ns: int = NOW_NS) -> Plan:
    return importing.look(order_of(form), sessions, now_ns)


def test_ready_with_rows_and_what_was_left_out(zipped: Path) -> None:
    form = form_of(zipped)
    view = examine(form, look(form), None, TODAY)
    assert view.can_import
    (line,) = view.lines
    assert (line.begins, line.length) == ("2019-03-01 15:15 UTC", "00:00:12")
    assert {name: (rows, gaps) for name, rows, gaps in line.rows}["e4.eda"] == (39, 1)
    assert [m.id for m in line.notes] == ["import-left-out"]
    assert view.no_consent


def test_local_time_of_the_zone(zipped: Path) -> None:
    form = form_of(zipped, zone="Asia/Shanghai")
    assert examine(form, look(form), None, TODAY).lines[0].begins == "2019-03-01 23:15 CST"
    assert "Asia/Shanghai" in zones()


@pytest.mark.parametrize(
    "changes",
    [
        {"pseudonym": ""},
        {"pseudonym_again": "P-015"},
        {"pseudonym": "no name", "pseudonym_again": "no name"},
        {"operator": ""},
        {"consent_version": "v2"},
        {"consent_date": "2026-03-01", "consent_version": "v2"},
        {"consent_training": True},
    ],
)
def test_what_bars_it_stands_beside_its_field(zipped: Path, changes: dict[str, object]) -> None:
    form = form_of(zipped)
    view = examine(replace(form, who=replace(WHO, **changes)), look(form), None, TODAY)
    assert view.problems
    assert not view.can_import


def test_a_scanned_pseudonym_is_not_typed_twice(zipped: Path) -> None:
    form = form_of(zipped, who=replace(WHO, pseudonym_again="", scanned="P-014"))
    view = examine(form, look(form), None, TODAY)
    assert (view.needs_again, view.can_import) == (False, True)


def test_consent_goes_with_the_order(zipped: Path) -> None:
    who = replace(WHO, consent_version="v2", consent_date="2026-01-31", consent_training=True)
    consent = order_of(form_of(zipped, who=who)).consent
    assert consent is not None
    assert (consent.reuse_for_training, consent.upload) == (True, False)


def test_questions_bar_until_they_are_ticked(tmp_path: Path) -> None:
    future = e4_made.write_zip(tmp_path / "S.zip", e4_made.files(2, 4_000_000_000))
    form = form_of(future, who=replace(WHO, pseudonym="Zhang", pseudonym_again="Zhang"))
    plan = look(form)
    view = examine(form, plan, None, TODAY)
    assert [q.message.id for q in view.questions] == [
        "pseudonym-looks-like-name",
        "import-question-future-dated",
    ]
    assert not view.can_import
    ticked = replace(form, accepted=frozenset(q.key for q in view.questions))
    assert examine(ticked, plan, None, TODAY).can_import
    assert "future-dated" in accepted_ids(ticked)


def test_complaints_are_in_words_of_the_screen(tmp_path: Path, zipped: Path) -> None:
    form = form_of(zipped, tmp_path / "absent")
    for advice in ("import-zone-needed", "import-hour-twice", "import-apart"):
        view = examine(form, None, ConfigError("x --zone", advice=advice), TODAY)
        assert view.complaint is not None
        assert (view.complaint.id, view.can_import) == (advice, False)
        assert view.needs_fold == (advice == "import-hour-twice")
    other = examine(form, None, ConfigError(f"{zipped}: holds nothing"), TODAY).complaint
    assert other is not None
    assert other.as_dict() == {"why": "S01.zip: holds nothing"}
    (refused,) = examine(form, None, None, TODAY).refused
    assert refused.as_dict()["name"] == "absent"


def test_nothing_chosen_nothing_imported() -> None:
    view = examine(ImportForm(who=WHO), None, None, TODAY)
    assert (view.lines, view.can_import) == ((), False)
