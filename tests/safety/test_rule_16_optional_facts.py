"""Rule 16: skin tone and the like are optional, consented, never required; age in years, 90+ grouped."""

from __future__ import annotations

from datetime import date

import pytest
from bed import Bed
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from hemoview.ui.parts import theme
from hemoview.ui.sessions.start_dialog import StartDialog
from hemoview.viewmodel.sessions.details_form import DetailsForm
from hemoview.viewmodel.sessions.start_fields import StartForm
from hemoview.viewmodel.sessions.start_form import examine
from recorder import session as store
from recorder.errors import ConfigError
from recorder.schema import Details

READY = ({"id": "disk", "ok": True, "level": "ok", "who": "", "what": "", "todo": ""},)


def form(details: DetailsForm) -> StartForm:
    return StartForm(
        pseudonym="P-014",
        pseudonym_again="P-014",
        sex="female",
        age_y="97",
        consent_version="v2",
        consent_date="2026-11-01",
        consent_record=True,
        operator="OP1",
        details=details,
    )


def test_none_of_them_is_needed() -> None:
    view = examine(form(DetailsForm()), READY, today=date(2026, 11, 28))
    assert view.can_start
    assert view.request is not None
    assert "details" not in view.request
    assert view.request["subject"]["age_y"] == 90


@pytest.mark.parametrize(
    ("details", "problem"),
    [
        (DetailsForm(rhythm="sinus"), "details-need-consent"),
        (DetailsForm(consented=True, wrist_cm="wide"), "detail-wrong"),
        (DetailsForm(consented=True, wrist_cm="400"), "detail-wrong"),
        (DetailsForm(consented=True, wrist_cm="nan"), "detail-wrong"),
        (DetailsForm(consented=True, vasoactive_drugs="x" * 200), "detail-wrong"),
    ],
)
def test_told_without_consent_or_out_of_range_is_named(details: DetailsForm, problem: str) -> None:
    view = examine(form(details), READY, today=date(2026, 11, 28))
    assert [p.message.id for p in view.problems] == [problem]
    assert not view.can_start


def test_told_with_consent_they_are_kept_with_the_session(bed: Bed) -> None:
    told = DetailsForm(
        consented=True,
        skin_tone="7",
        rhythm="atrial-fibrillation",
        perfusion="cool",
        vasoactive_drugs="noradrenaline 0.1 µg/kg/min",
        wrist_cm="16,5",
        tattoo="no",
    )
    view = examine(form(told), READY, today=date(2026, 11, 28))
    assert view.request is not None
    bed.connect("adc")
    folder = bed.start(details=view.request["details"])
    bed.ask("stop")
    with store.open(folder) as session:
        assert session.header.details == Details(
            7, "atrial-fibrillation", "cool", "noradrenaline 0.1 µg/kg/min", 16.5, False, consented=True
        )  # fmt: skip


def test_the_recorder_refuses_them_without_consent(bed: Bed) -> None:
    bed.connect("adc")
    with pytest.raises(ConfigError, match="kept only with consent"):
        bed.start(details={"skin_tone": 3})


def test_they_are_folded_away_and_dead_until_consented(qtbot: QtBot, qapp: QApplication) -> None:
    theme.apply(qapp)
    dialog = StartDialog(StartForm(operator="OP1"))
    qtbot.addWidget(dialog)
    dialog.show()
    rhythm = dialog.details.inputs["rhythm"]
    assert not rhythm.isVisible()
    dialog.details.fold.click()
    assert rhythm.isVisible()
    assert not rhythm.isEnabled()
    dialog.details.consented.click()
    assert rhythm.isEnabled()
    rhythm.setCurrentIndex(1)  # type: ignore[attr-defined]
    assert dialog.form.details == DetailsForm(consented=True, rhythm="sinus")
