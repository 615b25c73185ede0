"""Letters that DejaVu has not: a font of the system for Chinese."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

FOR_CHINESE: Final = {
    "linux": (
        "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
        "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
        "/usr/share/fonts/wenquanyi/wqy-zenhei/wqy-zenhei.ttc",
        "/usr/share/fonts/truetype/arphic/uming.ttc",
        "/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",
    ),
    "win32": ("{windir}/Fonts/msyh.ttc", "{windir}/Fonts/simhei.ttf", "{windir}/Fonts/simsun.ttc"),
    "darwin": (
        "/System/Library/Fonts/STHeiti Light.ttc",
        "/System/Library/Fonts/Supplemental/Arial Unicode.ttf",
        "/Library/Fonts/Arial Unicode.ttf",
    ),
}
"""Fonts with TrueType outlines, which the PDF writer takes in part only; the first that is there is used."""
WHAT_TO_DO: Final = "install WenQuanYi Zen Hei (package fonts-wqy-zenhei) or print the page from a browser"


def chinese_font() -> Path | None:
    """A font file with Chinese letters; None: this system has none of :data:`FOR_CHINESE`."""
    windir = os.environ.get("WINDIR", "C:/Windows")
    names = FOR_CHINESE.get(sys.platform, FOR_CHINESE["linux"])
    found = (Path(name.format(windir=windir)) for name in names)
    return next((path for path in found if path.is_file()), None)


def needs_chinese(text: str) -> bool:
    """Whether a text has Han characters or full-width marks."""
    return any("\u2e80" <= letter <= "\u9fff" or "\uff00" <= letter <= "\uffef" for letter in text)
