"""What personalises and what is shown: the part of the start form about estimates."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QFormLayout, QGroupBox, QLabel, QWidget

from hemoview.ui.parts import theme
from hemoview.ui.words.catalogue import text
from hemoview.viewmodel.sessions.rule_choice import RuleChoice
from recorder.schema.rules import ANCHORS


class RuleFields(QGroupBox):
    """Emits ``changed(choice)``."""

    changed = Signal(object)

    def __init__(self, choice: RuleChoice, parent: QWidget | None = None) -> None:
        super().__init__(text("start-estimates"), parent)
        self._choice = choice
        self.anchor = QComboBox()
        for anchor in ANCHORS:
            self.anchor.addItem(text(f"anchor-{anchor}"), anchor)
        self.hidden, self.simulated = QCheckBox(), QCheckBox(text("field-show_simulated"))
        for name, widget in (("anchor_from", self.anchor), ("estimates_hidden", self.hidden)):
            widget.setAccessibleName(text(f"field-{name}"))
            widget.setObjectName(f"field-{name}")
        self.simulated.setObjectName("field-show_simulated")
        rows = QFormLayout(self)
        rows.setLabelAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
        rows.setVerticalSpacing(2)
        rows.setContentsMargins(10, 3, 10, 3)
        label = QLabel(text("field-anchor_from"))
        label.setFixedHeight(theme.touch_px() - 4)
        rows.addRow(label, self.anchor)
        for box in (
            self.hidden,
            self.simulated,
        ):  # below each other: beside, they are wider than a small panel
            rows.addRow(box)
        self.show_choice(choice)
        self.anchor.currentIndexChanged.connect(lambda i: self._change(anchor_from=ANCHORS[i]))
        self.hidden.toggled.connect(lambda on: self._change(estimates_hidden=on))
        self.simulated.toggled.connect(lambda on: self._change(show_simulated=on))

    def show_choice(self, choice: RuleChoice) -> None:
        """Another template, other rules; what it hides cannot be shown from here."""
        self._choice = choice
        locked = choice.template_hides
        quiet = [QSignalBlocker(widget) for widget in (self.anchor, self.hidden, self.simulated)]
        self.anchor.setCurrentIndex(ANCHORS.index(choice.anchor_from))
        self.hidden.setChecked(choice.estimates_hidden)
        self.simulated.setChecked(choice.show_simulated)
        self.hidden.setEnabled(not locked)
        self.hidden.setText(text("field-hidden-by-template" if locked else "field-estimates_hidden"))
        del quiet

    def _change(self, **values: Any) -> None:
        self._choice = replace(self._choice, **values)
        self.changed.emit(self._choice)
