"""Words of an imported CNAP recording: what its monitor did, and what its numbers are."""

from __future__ import annotations

from typing import Final

ENGLISH: Final[dict[str, str]] = {
    "review.mark.reference-calibrated": "reference calibrated",
    "review.mark.finger-changed": "finger changed",
    "review.mark.co-calibrated": "cardiac output calibrated",
    "review.uncalibrated-number": "uncal.",
    "trends.co-calibrated": "CO calibrated",
}

CHINESE: Final[dict[str, str]] = {
    "review.mark.reference-calibrated": "参考已校准",
    "review.mark.finger-changed": "已更换手指",
    "review.mark.co-calibrated": "心输出量已校准",
    "review.uncalibrated-number": "未校准",
    "trends.co-calibrated": "CO 已校准",
}
