"""Qt's own words follow the language of the screen."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QCoreApplication, QTranslator
from PySide6.QtWidgets import QApplication

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
