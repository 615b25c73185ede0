"""What comes with HemoView in English, in Simplified Chinese: words of its templates and of its model's card.

A template of one's own is in the language of whoever wrote it, and is shown as it is. What is stored stays English.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["SHIPPED"]

SHIPPED: Final[Mapping[str, str]] = {
    # phases
    "Settle": "安静准备",
    "Rest": "静息",
    "Sitting": "坐位",
    "Standing": "站立",
    "Sitting again": "再次坐位",
    # what the operator is told
    "Lying still, arms beside the body; start the finger cuff and wait for its calibration.": (
        "平卧不动，手臂放在身体两侧；启动指套并等待其校准。"
    ),
    "No talking, no moving.": "不说话，不移动。",
    "Feet on the floor, forearm at the height of the heart.": "双脚着地，前臂与心脏同高。",
    "Stands up on your word; stay within reach. Forearm at the height of the heart.": (
        "听您口令站起；请守在旁边。前臂与心脏同高。"
    ),
    # checklists
    "Wristband charged": "腕带已充电",
    "Skin under the sensors is dry and whole": "传感器下皮肤干燥完好",
    "Finger cuff fits": "指套大小合适",
    "Wristband and cuffs cleaned": "腕带和袖带已清洁",
    "Wristband on its charger": "腕带已放上充电器",
    "Ready for the next subject": "可以接待下一位受试者",
    # the model's card
    "Finapres finger cuff": "Finapres 指套",
    "finger": "手指",
    "virtual bedside": "虚拟床旁",
}
