"""Words about what estimates may show: hidden, personalised by what, following the reference."""

from __future__ import annotations

from typing import Final

ENGLISH: Final[dict[str, str]] = {
    "estimates-hidden": "Estimates hidden by the template",
    "estimates-unhidden": "Hidden by the template, shown since {time} by {operator}",
    "why-hidden": "hidden",
    "tag-tracked": "est. · follows CNAP",
    "tag-frozen": "est. · CNAP ended",
    "personalised-cuff": "personalised by cuff {age} ago",
    "personalised-reference": "personalised by CNAP {age} ago",
    "follows-reference": "interval follows CNAP",
    "followed-reference": "CNAP ended: interval kept wide",
    "waits-for-calibration": "will follow CNAP once its calibration is confirmed",
    "waits-for-values": "begins to follow CNAP",
    # start form and the dialog during a session
    "field-anchor_from": "Personalised by",
    "anchor-": "– not chosen –",
    "anchor-cuff": "cuff readings",
    "anchor-reference": "CNAP while calibrated",
    "anchor-both": "cuff readings and CNAP",
    "start-estimates": "Estimates",
    "field-estimates_hidden": "hidden at the bedside",
    "field-hidden-by-template": "hidden by the template",
    "field-show_simulated": "show simulated, tagged SIM",
    "confirm-hidden": "Estimates are computed and stored, but shown to nobody at the bedside.",
    "button-estimates": "Estimates…",
    "estimates-title": "Estimates of this session",
    "estimates-anchor-explained": "A change holds from now on and is stored with the time and your code. "
    "CNAP counts only while its calibration is confirmed.",
    "estimates-hidden-explained": "The template hides the estimates: they are computed and stored, shown to nobody. "
    "Showing them needs a reason, is stored with the time and your code, and holds until this session ends.",
    "estimates-show": "show the estimates in this session",
    "estimates-why": "Reason",
    "estimates-why-needed": "Type the reason for showing the estimates.",
    "estimates-operator-needed": "Type your operator code.",
}

CHINESE: Final[dict[str, str]] = {
    "estimates-hidden": "本方案不显示估计值",
    "estimates-unhidden": "方案规定隐藏，{operator} 已于 {time} 开启显示",
    "why-hidden": "已隐藏",
    "tag-tracked": "估计 · 跟随 CNAP",
    "tag-frozen": "估计 · CNAP 中断",
    "personalised-cuff": "{age} 前按袖带读数个体化",
    "personalised-reference": "{age} 前按 CNAP 个体化",
    "follows-reference": "区间跟随 CNAP",
    "followed-reference": "CNAP 已中断：区间保持放宽",
    "waits-for-calibration": "确认 CNAP 校准后开始跟随",
    "waits-for-values": "开始跟随 CNAP",
    "field-anchor_from": "个体化依据",
    "anchor-": "– 未选择 –",
    "anchor-cuff": "袖带读数",
    "anchor-reference": "CNAP（已校准时）",
    "anchor-both": "袖带读数和 CNAP",
    "start-estimates": "估计值",
    "field-estimates_hidden": "床旁不显示",
    "field-hidden-by-template": "方案规定不显示",
    "field-show_simulated": "显示模拟值（标注 SIM）",
    "confirm-hidden": "估计值照常计算和保存，但床旁不显示。",
    "button-estimates": "估计值…",
    "estimates-title": "本次记录的估计值",
    "estimates-anchor-explained": "更改立即生效，并连同时间和您的代码一起保存。仅在 CNAP 校准已确认时才采用 CNAP。",
    "estimates-hidden-explained": "方案规定不显示估计值：照常计算和保存，但不给任何人看。"
    "如需显示，须填写理由；理由、时间和您的代码会被保存，只对本次记录有效。",
    "estimates-show": "本次记录显示估计值",
    "estimates-why": "理由",
    "estimates-why-needed": "请填写显示估计值的理由。",
    "estimates-operator-needed": "请填写您的操作员代码。",
}
