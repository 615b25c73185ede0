"""Words around the guides; each is a file a language, ``resources/docs/guide``."""

from __future__ import annotations

from typing import Final

ENGLISH: Final[dict[str, str]] = {
    "menu-handbook": "Guide",
    "handbook-title": "HemoView – guide for operators",
    "handbook-chapters": "Chapters",
    "handbook-file": "en.md",
    "menu-researcher": "Guide for researchers",
    "researcher-title": "HemoView – guide for researchers",
    "researcher-file": "researcher-en.md",
    "menu-ward-guide": "Guide for the ward page",
    "ward-guide-title": "HemoView – for the ward",
    "ward-guide-file": "ward-en.md",
    "handbook-missing": "The guide is not where it was installed ({path}). Install HemoView again.",
}

CHINESE: Final[dict[str, str]] = {
    "menu-handbook": "操作指南",
    "handbook-title": "HemoView 操作指南",
    "handbook-chapters": "目录",
    "handbook-file": "zh.md",
    "menu-researcher": "研究者指南",
    "researcher-title": "HemoView 研究者指南",
    "researcher-file": "researcher-zh.md",
    "menu-ward-guide": "病房页面指南",
    "ward-guide-title": "HemoView 病房页面指南",
    "ward-guide-file": "ward-zh.md",
    "handbook-missing": "安装位置找不到操作指南（{path}）。请重新安装 HemoView。",
}
