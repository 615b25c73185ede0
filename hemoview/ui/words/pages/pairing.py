"""Words of pairing by button."""

from __future__ import annotations

from typing import Final

ENGLISH: Final[dict[str, str]] = {
    "pair-title": "Pair by button",
    "pair-heading": "{device}: every wristband has the same name. Press the button of the one on the "
    "subject's wrist.",
    "pair-searching": "Looking for wristbands …",
    "pair-none": "No wristband is in reach. Switch it on, bring it near, and look again. One that another "
    "computer or phone is connected to does not show itself.",
    "pair-press": "Press the button on the wristband now",
    "pair-press-one-of": "Press the button on the wristband now: {n} are in reach, and the one on the wrist "
    "will light up",
    "pair-answered": "{serial} answered. Compare it with the wrist, then use it.",
    "pair-own-answered": "✔ {serial} answered: this station uses it already. There is nothing to change.",
    "pair-other-answered": "▲ {serial} answered, but this station uses {own}. If {serial} is on the wrist, use it.",
    "pair-other-locked": "▲ {serial} answered, but {own} is the one this station uses. {why}",
    "pair-this-own": "its button was pressed ({times}×); this station uses it now",
    "pair-held": "{serial} answered, but station {station} uses it: end it there first, or take another "
    "wristband.",
    "pair-band": "{serial}   {strength}   {battery}",
    "pair-strength": "{dbm} dBm",
    "pair-connecting": "connecting …",
    "pair-listening": "listening: its button has not been pressed",
    "pair-this-one": "its button was pressed ({times}×)",
    "pair-own": "this station uses it now",
    "pair-used-at": "▲ in use elsewhere: station {station} is connected to it",
    "pair-recording-at": "▲ in use elsewhere: station {station} records with it",
    "pair-refused": "▲ {why}",
    "pair-use": "Use this one",
    "pair-use-of": "use {serial}",
    "pair-again": "Look again",
}

CHINESE: Final[dict[str, str]] = {
    "pair-title": "按按钮配对",
    "pair-heading": "{device}：所有腕带的名称都一样。请按下受试者手腕上那只腕带的按钮。",
    "pair-searching": "正在寻找腕带……",
    "pair-none": "附近没有腕带。请打开腕带、移近后再找一次。已被其他计算机或手机连接的腕带不会显示。",
    "pair-press": "现在请按下腕带上的按钮",
    "pair-press-one-of": "现在请按下腕带上的按钮：附近有 {n} 只，手腕上的那只会亮起",
    "pair-answered": "{serial} 作出了回应。请与手腕上的核对，然后使用它。",
    "pair-own-answered": "✔ {serial} 作出了回应：本床位已经在使用它，无需更改。",
    "pair-other-answered": "▲ {serial} 作出了回应，但本床位使用的是 {own}。如果手腕上的是 {serial}，请使用它。",
    "pair-other-locked": "▲ {serial} 作出了回应，但本床位使用的是 {own}。{why}",
    "pair-this-own": "已按下它的按钮（{times} 次）；本床位正在使用它",
    "pair-held": "{serial} 作出了回应，但床位 {station} 正在使用它：请先在那里结束，或换一只腕带。",
    "pair-band": "{serial}   {strength}   {battery}",
    "pair-strength": "{dbm} dBm",
    "pair-connecting": "正在连接……",
    "pair-listening": "正在等待：还没有按下它的按钮",
    "pair-this-one": "已按下它的按钮（{times} 次）",
    "pair-own": "本床位正在使用它",
    "pair-used-at": "▲ 在别处使用：床位 {station} 已连接它",
    "pair-recording-at": "▲ 在别处使用：床位 {station} 正在用它记录",
    "pair-refused": "▲ {why}",
    "pair-use": "使用这一只",
    "pair-use-of": "使用 {serial}",
    "pair-again": "再找一次",
}
