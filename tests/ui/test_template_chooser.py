"""A template is chosen in the start form; it goes whole into the request, and never fills in the subject."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QApplication, QComboBox, QLineEdit
from pytestqt.qtbot import QtBot

from hemoview.ui.parts import theme
from hemoview.ui.sessions.start_dialog import StartDialog
from hemoview.ui.sessions.template_chooser import TemplateChooser
from hemoview.viewmodel.sessions.start_fields import StartForm
from hemoview.viewmodel.sessions.template_choice import FILLED, chosen, template_library, with_template
from recorder.acquire import template as templates
from recorder.acquire.template import Template
from recorder.acquire.template_library import TemplateLibrary


@pytest.fixture
def library(tmp_path: Path) -> TemplateLibrary:
    made = template_library(tmp_path)
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "bad.toml").write_text(
        'name = "bad"\n[[devices]]\nkind = "e5"\ndevice_id = "e4"'
    )
    return made


def test_choosing_fills_what_is_open_and_names_what_cannot_be_used(
    qtbot: QtBot, qapp: QApplication, library: TemplateLibrary
) -> None:
    theme.apply(qapp)
    form = StartForm(operator="OP1", finger_cuff_side="left", template="gone")
    dialog = StartDialog(form, today=lambda: date(2026, 11, 28), templates=library)
    qtbot.addWidget(dialog)
    chooser = dialog.inputs["template"]
    assert isinstance(chooser, TemplateChooser) and chooser.template is None
    names = [chooser.box.itemText(i) for i in range(chooser.box.count())]
    assert names[1:] == ["rest", "sit-stand", "bad.toml – cannot be used"]
    model = chooser.box.model()
    assert isinstance(model, QStandardItemModel)
    assert not model.item(3).isEnabled() and "'e5' is no device" in model.item(3).toolTip()
    chooser.box.setCurrentIndex(1)
    assert dialog.form.template == "rest" and dialog.form.consent_version == "1.0"
    assert dialog.form.finger_cuff_side == "left" and dialog.form.wristband_side == "left"
    wrist, version = dialog.inputs["wristband_side"], dialog.inputs["consent_version"]
    assert isinstance(wrist, QComboBox) and wrist.currentText() == "left"
    assert isinstance(version, QLineEdit) and version.text() == "1.0"
    with qtbot.waitSignal(dialog.templates_asked, timeout=30_000):
        qtbot.mouseClick(chooser.edit, Qt.MouseButton.LeftButton)


def test_a_template_touches_no_field_of_the_subject(library: TemplateLibrary) -> None:
    rest = library.by_name("rest")
    before, after = asdict(StartForm()), asdict(chosen(StartForm(), rest))
    changed = {name for name in before if before[name] != after[name]}
    assert changed <= {*FILLED, "template"} and "consent_date" not in changed
    assert asdict(chosen(StartForm(template="rest"), None)) == before


def test_the_request_carries_the_whole_template(library: TemplateLibrary) -> None:
    rest = library.by_name("rest")
    assert rest is not None
    request: dict[str, Any] = {"template": {"name": "rest"}, "overrides": {"adc": "later"}, "notes": "n"}
    merged = with_template(request, rest)
    assert merged["template"] == rest.to_json() and merged["template"]["version"].startswith("rest ")
    assert templates.plan_of(merged["template"]).phases == rest.phases
    assert with_template(request, None) == request
    own = Template("x", overrides={"cuff": "none here"}, notes="study note")
    assert with_template(request, own)["overrides"] == {
        "adc": "later"
    }  # a reason counts where one is asked for
    assert chosen(StartForm(overrides={"adc": "later"}), own).overrides == {
        "cuff": "none here",
        "adc": "later",
    }
    assert with_template(request, own)["notes"] == "n\nstudy note"
