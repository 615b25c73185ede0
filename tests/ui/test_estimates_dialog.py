"""What personalises, chosen before and during a session; hidden estimates shown for a reason; what the panel says."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QApplication, QCheckBox
from pytestqt.qtbot import QtBot
from synthetic_bedside import NS, SyntheticBedside, event

from hemoview.ui.live.estimates_dialog import EstimatesDialog
from hemoview.ui.live.numerics_panel import NumericsPanel
from hemoview.ui.parts import theme
from hemoview.ui.parts.rule_fields import RuleFields
from hemoview.viewmodel.live.record import resolve
from hemoview.viewmodel.live.record_view import EstimateChoice, Wish
from hemoview.viewmodel.sessions.rule_choice import RuleChoice


@pytest.fixture
def dialog(qtbot: QtBot, qapp: QApplication) -> EstimatesDialog:
    theme.apply(qapp)
    made = EstimatesDialog(EstimateChoice("cuff", hidden=True), "OP1")
    qtbot.addWidget(made)
    made.show()
    return made


def test_reason_first_then_both_commands(qtbot: QtBot, dialog: EstimatesDialog) -> None:
    sent: list[object] = []
    dialog.entered.connect(sent.append)
    assert not dialog.why.isEnabled()
    dialog.show_box.setChecked(True)
    assert dialog.why.isEnabled()
    dialog.anchor.setCurrentIndex(dialog.anchor.findData("both"))
    dialog.ok.click()
    assert dialog.isVisible()
    assert "reason" in dialog.problem.text()
    dialog.why.setText("teaching")
    assert dialog.problem.text() == ""
    dialog.ok.click()
    assert not dialog.isVisible()
    ((choose, unhide),) = sent  # type: ignore[misc]
    assert choose == ("choose_anchor", {"anchor_from": "both", "operator": "OP1"})
    assert unhide == ("unhide_estimates", {"why": "teaching", "operator": "OP1"})


def test_every_control_has_a_name_and_is_large_enough(dialog: EstimatesDialog) -> None:
    for widget in (dialog.anchor, dialog.why, dialog.operator):
        assert widget.accessibleName()
    QApplication.processEvents()
    for widget in (dialog.anchor, dialog.show_box, dialog.why, dialog.operator, dialog.ok):
        assert widget.height() >= theme.touch_px() - 6, widget


def test_a_session_that_is_not_hidden_offers_no_unhiding(qtbot: QtBot, qapp: QApplication) -> None:
    plain = EstimatesDialog(EstimateChoice("", hidden=False), "OP1")
    qtbot.addWidget(plain)
    plain.show()
    assert not [box for box in plain.findChildren(QCheckBox) if box.isVisible()]
    assert plain.anchor.currentText() == "– not chosen –"


def test_the_start_forms_box_is_locked_while_the_template_hides(qtbot: QtBot, qapp: QApplication) -> None:
    fields, told = RuleFields(RuleChoice()), []
    qtbot.addWidget(fields)
    fields.changed.connect(told.append)
    fields.show_choice(RuleChoice("both", template_hides=True))
    assert not fields.hidden.isEnabled()
    assert fields.hidden.isChecked()
    assert fields.hidden.text() == "hidden by the template"
    assert told == [], "following a template is no choice of the operator"
    fields.anchor.setCurrentIndex(0)
    fields.simulated.setChecked(True)
    assert told[-1] == RuleChoice("cuff", show_simulated=True, template_hides=True)
    fields.show_choice(RuleChoice())
    assert fields.hidden.isEnabled()


@pytest.mark.parametrize(
    ("codes", "said", "tag"),
    [
        ((0, 0), "not personalised · will follow CNAP once its calibration is confirmed", "est."),
        ((0, 1), "personalised by cuff 2 min ago", "est."),
        ((1, 2), "personalised by CNAP 2 min ago · interval follows CNAP", "est. · follows CNAP"),
        ((2, 2), "personalised by CNAP 2 min ago · CNAP ended: interval kept wide", "est. · CNAP ended"),
    ],
)
def test_the_panel_says_what_personalised_and_whether_cnap_is_followed(
    qtbot: QtBot, qapp: QApplication, codes: tuple[float, float], said: str, tag: str
) -> None:
    tracked, by = codes
    bed = SyntheticBedside(
        template={"name": "t", "rules": {"anchor_from": "both"}}, tracked=tracked, personalised_by=by
    )
    bed.personalised_s = 130.0 if by else float("nan")
    bed.run(4.0)
    panel = NumericsPanel()
    qtbot.addWidget(panel)
    panel.show_view(resolve(Wish(), bed.model.facts()).numerics)
    assert said.split(" · ", maxsplit=1)[0] in panel.ages.text()
    assert said in panel.ages.text()
    rows = {r.parameter: r.estimate for r in resolve(Wish(), bed.model.facts()).numerics.rows}
    panel_row = panel._rows["SBP"]
    assert panel_row.note.text() == tag
    assert panel._rows["HR"].note.text() == "est."
    assert rows["SBP"].interval
    assert panel.choose.isVisibleTo(panel)
    assert "Finapres, finger" in panel_row.toolTip()


def test_a_choice_of_the_session_stands_above_that_of_the_template(qtbot: QtBot) -> None:
    bed = SyntheticBedside(template={"name": "t", "rules": {"anchor_from": "cuff"}})
    bed.events = [event("rule", 1_001 * NS, rule="anchor_from", value="both", operator="OP1")]
    bed.run(4.0)
    bed.tell()
    choice = resolve(Wish(), bed.model.facts()).numerics.estimate_choice
    assert choice == EstimateChoice("both", hidden=False)
