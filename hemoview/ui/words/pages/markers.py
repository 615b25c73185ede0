"""Words of the markers that are set or taken back after a session."""

from __future__ import annotations

from typing import Final

ENGLISH: Final[dict[str, str]] = {
    "markers-button": "Markers…",
    "markers-tip": "Set a marker at the cursor, or take one back; with a reason, and no sample is changed",
    "markers-title": "Markers of this session",
    "markers-explained": "What was recorded stays. A marker set here counts from the cursor's time on, as if it had "
    "been set then: “reference calibrated” makes the reference valid from there, “finger changed” ends that.",
    "markers-at": "At the cursor: {elapsed}",
    "markers-label": "What happened",
    "markers-why": "Reason",
    "markers-place": "Set it here",
    "markers-list": "Markers of the session",
    "markers-none": "No marker yet.",
    "markers-take-back": "Take the selected one back",
    "markers-needs-operator": "Type your operator code.",
    "markers-needs-why": "Say why.",
    "markers-row": "{elapsed}  {label}",
    "markers-row-after": "{elapsed}  {label}  (set afterwards)",
    "markers-placed": "{name}: marker set.",
    "markers-taken-back": "{name}: marker taken back.",
    "amend-marker": "marker",
}

CHINESE: Final[dict[str, str]] = {
    "markers-button": "标记…",
    "markers-tip": "在光标处补加标记或撤回标记；需填写原因，采样不会改动",
    "markers-title": "本次记录的标记",
    "markers-explained": "已记录的内容保持不变。在此补加的标记从光标时间起生效，与当时标记相同："
    "“参考已校准”使参考值从该处起有效，“更换手指”则使其终止。",
    "markers-at": "光标处：{elapsed}",
    "markers-label": "发生了什么",
    "markers-why": "原因",
    "markers-place": "在此补加",
    "markers-list": "本次记录的标记",
    "markers-none": "还没有标记。",
    "markers-take-back": "撤回所选标记",
    "markers-needs-operator": "请输入操作者代码。",
    "markers-needs-why": "请填写原因。",
    "markers-row": "{elapsed}  {label}",
    "markers-row-after": "{elapsed}  {label}（事后补加）",
    "markers-placed": "{name}：已补加标记。",
    "markers-taken-back": "{name}：已撤回标记。",
    "amend-marker": "标记",
}
