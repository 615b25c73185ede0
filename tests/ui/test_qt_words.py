"""Qt's own words follow the language of the screen."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QCoreApplication, QLocale, QTranslator
from PySide6.QtWidgets import QApplication, QDoubleSpinBox

from hemoview.ui.words import qt as qt_words


@pytest.fixture
def app(qapp: QApplication) -> Iterator[QApplication]:
    yield qapp
    for each in qapp.findChildren(QTranslator):
        qapp.removeTranslator(each)


def test_the_dialog_that_chooses_files_speaks_chinese(app: QApplication) -> None:
    assert qt_words.speak(app, "en")
    assert QCoreApplication.translate("QFileDialog", "Look in:") == "Look in:"
    assert qt_words.speak(app, "zh")
    assert QCoreApplication.translate("QFileDialog", "Look in:") != "Look in:"
    assert QCoreApplication.translate("QPlatformTheme", "Cancel") == "取消"


@pytest.mark.parametrize("country", [QLocale("de_DE"), QLocale("ar_EG"), QLocale("de_CH")], ids=QLocale.name)
def test_numbers_have_a_point_in_every_country(app: QApplication, country: QLocale) -> None:
    before = QLocale()
    try:
        QLocale.setDefault(country)
        qt_words.speak(app, "en")
        box = QDoubleSpinBox(maximum=5000.0, decimals=2)
        box.lineEdit().setText("1234.5")
        box.interpretText()
        assert (box.value(), box.text()) == (1234.5, "1234.50")
    finally:
        QLocale.setDefault(before)
