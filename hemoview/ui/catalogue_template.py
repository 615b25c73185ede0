"""Words of templates: choosing and editing them."""

from __future__ import annotations

from typing import Final

ENGLISH: Final[dict[str, str]] = {
    "button-edit-templates": "Edit…",
    "template-none": "– no template –",
    "template-none-explained": "Free recording: no phases, no cuff schedule, the usual markers",
    "template-faulty": "{name} – cannot be used",
}

CHINESE: Final[dict[str, str]] = {
    "button-edit-templates": "编辑…",
    "template-none": "– 不使用模板 –",
    "template-none-explained": "自由记录：无阶段、无袖带计划，使用默认标记",
    "template-faulty": "{name} – 无法使用",
}
