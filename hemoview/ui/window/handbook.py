"""The guides, for operators, researchers and wards: the installed Markdown of this language with its pictures, beside
the window and never over a question.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, QSize, Qt, QTimer, QUrl
from PySide6.QtGui import QImage, QImageReader, QResizeEvent, QTextBlock, QTextCursor, QTextDocument
from PySide6.QtWidgets import QDialog, QHBoxLayout, QListWidget, QListWidgetItem, QTextBrowser, QWidget

from hemoview.ui.parts import theme
from hemoview.ui.window.main_window import MainWindow
from hemoview.ui.words.catalogue import text
from recorder.host import places

CHAPTER_LEVEL: Final = 2
CHAPTERS_FROM_PX: Final = 760
"""A narrower dialog, on an edge board's panel, has no list of chapters."""
HEADING_ABOVE_PX, PARAGRAPH_ABOVE_PX = 16, 7


@dataclass(frozen=True, slots=True)
class Guide:
    """A guide: the ids of its entry in the menus, of its title and of its file's name, and its key."""

    menu: str
    title: str
    file: str
    key: str


OPERATORS: Final = Guide("menu-handbook", "handbook-title", "handbook-file", "F1")
RESEARCHERS: Final = Guide("menu-researcher", "researcher-title", "researcher-file", "Shift+F1")
WARDS: Final = Guide("menu-ward-guide", "ward-guide-title", "ward-guide-file", "Ctrl+F1")


def guide_file(guide: Guide = OPERATORS) -> Path:
    """The guide in the language of the screen."""
    return places.resources_dir() / "docs" / "guide" / text(guide.file)


class Pages(QTextBrowser):
    """Markdown whose pictures are never wider than the page."""

    def __init__(self, title: str = OPERATORS.title, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setOpenExternalLinks(False)
        self.setAccessibleName(text(title))
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)  # one width, so one layout
        self._laid_out_px = 0
        self._awaited: dict[QUrl, QSize] = {}
        self._filling = QTimer(self, interval=0)
        self._filling.timeout.connect(self._fill_one)

    def show_file(self, path: Path) -> None:
        """Show it, or say what is wrong."""
        if path.is_file():
            self.setSource(QUrl.fromLocalFile(str(path)), QTextDocument.ResourceType.MarkdownResource)
            self._air()
        else:
            self.setPlainText(text("handbook-missing", path=path))

    @property
    def chapters(self) -> list[QTextBlock]:
        """First lines of the chapters."""
        found, block = [], self.document().begin()
        while block.isValid():
            if block.blockFormat().headingLevel() == CHAPTER_LEVEL:
                found.append(block)
            block = block.next()
        return found

    def go_to(self, block: QTextBlock) -> None:
        """Bring a chapter to the top."""
        self.setTextCursor(QTextCursor(block))
        layout = self.document().documentLayout()
        self.verticalScrollBar().setValue(int(layout.blockBoundingRect(block).top()))

    def _air(self) -> None:
        """Room between paragraphs and before headings; Markdown comes without."""
        block = self.document().begin()
        while block.isValid():
            cursor, form = QTextCursor(block), block.blockFormat()
            if cursor.currentTable() is None:
                form.setTopMargin(HEADING_ABOVE_PX if form.headingLevel() else PARAGRAPH_ABOVE_PX)
                cursor.setBlockFormat(form)
            block = block.next()

    def loadResource(self, kind: int, name: QUrl | str) -> object:
        """Room for a picture, as wide as fits the page; the picture follows: to read all of them takes 0.1 s."""
        if kind != int(QTextDocument.ResourceType.ImageResource.value):
            return super().loadResource(kind, name)
        url = QUrl(name) if isinstance(name, str) else name
        size = QImageReader(self._file_of(url)).size()
        if not size.isValid():
            return QImage()
        room_px = self.viewport().width() - 2 * int(self.document().documentMargin())
        if size.width() > room_px:
            size = QSize(room_px, round(size.height() * room_px / size.width()))
        blank = QImage(size, QImage.Format.Format_ARGB32_Premultiplied)
        blank.fill(Qt.GlobalColor.transparent)
        self._awaited[url] = size
        self._filling.start()
        return blank

    def _file_of(self, url: QUrl) -> str:
        return self.source().resolved(url).toLocalFile()

    def _fill_one(self) -> None:
        """The next picture into its room: nothing moves."""
        if not self._awaited:
            self._filling.stop()
            return
        url = next(iter(self._awaited))
        size = self._awaited.pop(url)
        picture = QImage(self._file_of(url)).scaled(
            size, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
        )
        self.document().addResource(int(QTextDocument.ResourceType.ImageResource.value), url, picture)
        self.viewport().update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Pictures for another width; the place that was read stays."""
        super().resizeEvent(event)
        if self.viewport().width() == self._laid_out_px or self.source().isEmpty():
            return
        self._laid_out_px = self.viewport().width()
        self._awaited.clear()
        bar = self.verticalScrollBar()
        place = bar.value() / max(bar.maximum(), 1)
        self.reload()
        self._air()
        bar.setValue(round(place * bar.maximum()))


class HandbookDialog(QDialog):
    """Chapters left, pages right. Not modal: the recording stays in sight, and the screen can still be hidden."""

    def __init__(self, path: Path, parent: QWidget | None = None, title: str = OPERATORS.title) -> None:
        super().__init__(parent)
        self.setWindowTitle(text(title))
        self._path = path
        self.pages, self.chapters = Pages(title), QListWidget()
        self.chapters.setAccessibleName(text("handbook-chapters"))
        self.chapters.setMaximumWidth(theme.touch_px() * 5)
        self.chapters.setWordWrap(True)
        self.pages.show_file(path)
        for block in self.pages.chapters:
            item = QListWidgetItem(block.text())
            item.setSizeHint(QSize(0, theme.touch_px()))
            self.chapters.addItem(item)
        self.chapters.currentRowChanged.connect(self._go)
        self.chapters.itemClicked.connect(lambda item: self._go(self.chapters.row(item)))
        row = QHBoxLayout(self)
        row.addWidget(self.chapters)
        row.addWidget(self.pages, 1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Room for the pages first."""
        self.chapters.setVisible(self.width() >= CHAPTERS_FROM_PX)
        super().resizeEvent(event)

    def _go(self, row: int) -> None:
        """To a chapter; back to the guide first, where a link of it was followed."""
        if self.pages.source() != QUrl.fromLocalFile(str(self._path)):
            self.pages.show_file(self._path)
        blocks = self.pages.chapters
        if 0 <= row < len(blocks):
            self.pages.go_to(blocks[row])


class Handbook(QObject):
    """The entry of the menus, and the one dialog behind it."""

    def __init__(self, window: MainWindow, guide: Guide = OPERATORS) -> None:
        super().__init__(window)
        self._window, self._guide = window, guide
        self.dialog: HandbookDialog | None = None
        entry = window.header.add_action(guide.menu, self.open, guide.key, before="button-about")
        window.compact.bar.more.insertAction(window.header.actions_by_id["button-about"], entry)

    def open(self) -> None:
        """Show it, or bring it to the front."""
        if self.dialog is None:
            self.dialog = HandbookDialog(guide_file(self._guide), self._window, self._guide.title)
            self.dialog.resize(min(1180, self._window.width() - 40), min(760, self._window.height() - 40))
        self.dialog.show()
        self.dialog.raise_()
        self.dialog.activateWindow()
