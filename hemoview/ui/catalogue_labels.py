"""Labels of markers of the templates that come with HemoView; what is stored is the label itself."""

from typing import Final

ENGLISH: Final[dict[str, str]] = {
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
