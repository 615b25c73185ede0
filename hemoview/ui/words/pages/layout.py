"""Words of the window's forms."""

from __future__ import annotations

from typing import Final

ENGLISH: Final[dict[str, str]] = {
    "compact-scrolled": "waves and numbers",
    "health-others": "▲ {n} more in trouble",
    "numerics-folded": "{names}: banners take the room, F11 shows them",
}

CHINESE: Final[dict[str, str]] = {
    "compact-scrolled": "波形与数值",
    "health-others": "▲ 另有 {n} 路异常",
    "numerics-folded": "{names}：横幅占了位置，按 F11 查看",
}
