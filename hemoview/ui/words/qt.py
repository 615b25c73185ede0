"""Qt's own words – the dialog that chooses files, the menu of a text field – in the language of the screen.

And its numbers as everywhere else on the screen, with a point, whatever the country of the computer.
"""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QLocale, QTranslator

from hemoview.ui.words.catalogue import Language

_FILES = {"zh": "qtbase_zh_CN"}


def speak(app: QCoreApplication, language: Language) -> bool:
    """Whether Qt speaks it from now on; English needs nothing, and without Qt's file its words stay English."""
    QLocale.setDefault(QLocale.c())
    name = _FILES.get(language)
    if name is None:
        return language == "en"
    translator = QTranslator(app)
    folder = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
    return translator.load(name, folder) and app.installTranslator(translator)
