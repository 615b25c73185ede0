"""Words of an imported CNAP recording: what its monitor did, and what its numbers are."""

from __future__ import annotations

from typing import Final

ENGLISH: Final[dict[str, str]] = {
    "review.mark.reference-calibrated": "reference calibrated",
    "review.mark.finger-changed": "finger changed",
    "review.mark.co-calibrated": "CO calibrated",
    "review.uncalibrated-number": "uncal.",
    "review.said.import": "imported: {device}",
    "review.said.joined": "put together with session {device}",
    "review.said.flat-line": "{device}: no pressure, the wave is level",
    "review.said.flat-line-ended": "{device}: pressure again",
    "review.said.signal-search": "{device} looks for a signal",
    "review.said.cuff-failed": "{device}: the arm cuff got no reading",
    "review.said.cuff-implausible": "{device}: a cuff reading no person has; left out",
    "review.said.cnap-disagrees": "{device}: beats and waveform disagree",
    "trends.co-calibrated": "CO calibrated",
}

CHINESE: Final[dict[str, str]] = {
    "review.mark.reference-calibrated": "参考已校准",
    "review.mark.finger-changed": "已更换手指",
    "review.mark.co-calibrated": "心输出量已校准",
    "review.uncalibrated-number": "未校准",
    "review.said.import": "已导入：{device}",
    "review.said.joined": "已与记录 {device} 合并",
    "review.said.flat-line": "{device}：没有压力，波形为平线",
    "review.said.flat-line-ended": "{device}：压力恢复",
    "review.said.signal-search": "{device} 正在寻找信号",
    "review.said.cuff-failed": "{device}：上臂袖带未测得读数",
    "review.said.cuff-implausible": "{device}：袖带读数不合理，未采用",
    "review.said.cnap-disagrees": "{device}：逐搏数据与波形不一致",
    "trends.co-calibrated": "CO 已校准",
}
