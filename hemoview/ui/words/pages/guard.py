"""Words of the guards: whose heart it is, and where the hand is."""

from typing import Final

ENGLISH: Final[dict[str, str]] = {
    "button-calibrated-again": "Monitor calibrated again",
    "link-lost-first": "{device} lost since {since} ({age}). {error} Trying again.",
    "heart-different": "These devices do not share a heartbeat: wristband {first}/min, pressure {second}/min, since "
    "{since}. Check that both are on the same person; estimates no longer use this pressure.",
    "arm-moved": "Arm moved ({angle}° at {since}): where is the hand now? Pressures are shown ±{mmhg} mmHg wider until "
    "it is told.",
    "button-arm-moved": "Type in height…",
    "why-cuff-inflating": "cuff inflates",
    "heart-title": "Same heart?",
    "heart-none": "",
    "heart-since": "since {since}",
    "state-heart-same": "yes",
    "state-heart-different": "NO",
    "state-heart-cannot-tell": "cannot tell",
    "heart-evidence": "{n} {n:beat|beats}, {matched} % match",
    "heart-compares": "pulse and pressure",
}

CHINESE: Final[dict[str, str]] = {
    "button-calibrated-again": "监护仪已重新校准",
    "link-lost-first": "{device} 自 {since} 起断开（{age}）。{error} 正在重连。",
    "heart-different": "两台设备的心跳不一致：腕带 {first} 次/分，血压 {second} 次/分，自 {since} 起。"
    "请确认两台设备戴在同一人身上；估计值已停止使用该血压。",
    "arm-moved": "手臂已移动（{since} 转动 {angle}°）：请填写手部高度。填写前血压区间加宽 ±{mmhg} mmHg。",
    "button-arm-moved": "录入高度…",
    "why-cuff-inflating": "袖带充气中",
    "heart-title": "同一心跳？",
    "heart-none": "",
    "heart-since": "自 {since} 起",
    "state-heart-same": "是",
    "state-heart-different": "否",
    "state-heart-cannot-tell": "无法判断",
    "heart-evidence": "{n} 次心搏，{matched} % 吻合",
    "heart-compares": "脉搏与血压",
}
