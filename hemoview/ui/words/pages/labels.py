"""Labels of markers of the templates that come with HemoView; what is stored is the label itself."""

from typing import Final

ENGLISH: Final[dict[str, str]] = {
    "label-reference calibrated": "reference calibrated",
    "label-finger changed": "finger changed",
    "label-CO calibrated": "CO calibrated",
    "label-skin checked": "skin checked",
    "label-tag": "button",
    "label-baseline": "baseline",
    "label-recalibration": "recalibration",
    "label-tilt": "tilt",
    "label-stand": "stand",
    "label-cold pressor": "cold pressor",
    "label-dizzy": "dizzy",
    "label-end": "end",
    "label-rest begins": "rest begins",
    "label-rest ends": "rest ends",
    "label-sitting begins": "sitting begins",
}

CHINESE: Final[dict[str, str]] = {
    "label-reference calibrated": "参考已校准",
    "label-finger changed": "已换手指",
    "label-CO calibrated": "CO 已校准",
    "label-skin checked": "已查看皮肤",
    "label-tag": "腕带按钮",
    "label-baseline": "基线",
    "label-recalibration": "重新校准",
    "label-tilt": "倾斜",
    "label-stand": "站立",
    "label-cold pressor": "冷加压",
    "label-dizzy": "头晕",
    "label-end": "结束",
    "label-rest begins": "静息开始",
    "label-rest ends": "静息结束",
    "label-sitting begins": "坐位开始",
}
