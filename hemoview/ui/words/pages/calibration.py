"""Words of the calibration wizard."""

from __future__ import annotations

from typing import Final

ENGLISH: Final[dict[str, str]] = {
    "calibration-title": "Calibrate: volt to mmHg",
    "calibration-trace": "live trace of the pressure input",
    "calibration-why": "The monitor's analogue output gives volt. How many mmHg a volt is differs from "
    "monitor to monitor and "
    "is never assumed: it is found here, once for this ADC and this monitor, and kept with its date.",
    "calibration-step-1": "1.  See above that volt come in and move as the pressure on the monitor does.",
    "calibration-step-2": "2.  Choose how to find the scale:",
    "calibration-levels": "Two levels of the monitor's calibration output…",
    "calibration-levels-what": "Let the monitor give its calibration output (a rectangular signal between "
    "two known "
    "pressures). Both levels are read from it; you type the two pressures the monitor shows.",
    "calibration-file": "The monitor's own waveform file…",
    "calibration-file-what": "For a recording during which the monitor also wrote to its USB stick: both "
    "are laid over each "
    "other and the line between them is fitted. A poor fit is refused.",
    "fit-file": "Waveform file of the stick",
    "fit-session": "Recording of the same time",
    "fit-began": "The file began at (local time)",
    "fit-operator": "Operator code",
    "fit-choose": "Choose…",
    "fit-file-filter": "Monitor waveform (*waveform*.csv);;CSV (*.csv);;All (*)",
    "fit-choose-file": "choose the ..._waveform.csv of this recording",
    "fit-no-file": "there is no such file",
    "fit-choose-session": "choose the recording during which the file was written",
    "fit-no-session": "No recording holds this pressure input yet. Record at least 30 s while the monitor "
    "writes to its "
    "stick, then come back.",
    "fit-began-form": "its name does not tell: type when the file began, e.g. 2026-11-20T16:05:07",
    "fit-compare": "Compare",
    "fit-keep": "Keep this calibration",
    "fit-comparing": "Comparing …",
    "fit-good": "✔ They are the same signal: this calibration can be kept",
    "fit-poor": "✕ They do not fit: nothing is kept",
    "fit-poor-todo": "Choose the file of this very recording, with at least 30 s of pulsating pressure, and "
    "see that the ADC "
    "was connected all the time.",
    "fit-line": "mmHg = {gain} · V {offset}",
    "fit-residual": "residual {rmse} mmHg (at most {most})",
    "fit-alike": "likeness r = {r} (at least {least})",
    "fit-lag": "the ADC is {lag} s behind the file",
    "fit-plot": "file and ADC one over the other",
    "fit-legend-file": "— the monitor's file, mmHg",
    "fit-legend-adc": "– –  the ADC with this line",
    "scale-take-levels": "Waiting for the monitor's rectangular signal …",
    "scale-take-levels-of": "Take both levels: {low} V and {high} V",
    "fit-session-open": "{day} {time}  {pseudonym}  (recording now)",
    "fit-session-of": "{day} {time}  {pseudonym}",
}

CHINESE: Final[dict[str, str]] = {
    "calibration-title": "校准：电压换算成 mmHg",
    "calibration-trace": "血压输入的实时波形",
    "calibration-why": "监护仪的模拟输出是电压。一伏等于多少 mmHg 因监护仪而异，绝不假定：在这里为这台 ADC 和这台监护仪"
    "确定一次，并连同日期保存。",
    "calibration-step-1": "1.  请在上方确认有电压进来，并随监护仪上的血压变化。",
    "calibration-step-2": "2.  选择用哪种方式确定比例：",
    "calibration-levels": "监护仪校准输出的两个电平…",
    "calibration-levels-what": "让监护仪给出校准输出（在两个已知压力之间的方波）。"
    "程序读出两个电平，您输入监护仪显示的两个压力。",
    "calibration-file": "监护仪自己的波形文件…",
    "calibration-file-what": "适用于记录时监护仪也写入了 U 盘的情况：把两者重叠并拟合直线。拟合不佳会被拒绝。",
    "fit-file": "U 盘上的波形文件",
    "fit-session": "同一时间的记录",
    "fit-began": "文件开始于（当地时间）",
    "fit-operator": "操作者代码",
    "fit-choose": "选择…",
    "fit-file-filter": "监护仪波形 (*waveform*.csv);;CSV (*.csv);;全部 (*)",
    "fit-choose-file": "请选择这次记录的 ..._waveform.csv",
    "fit-no-file": "没有这个文件",
    "fit-choose-session": "请选择写入该文件时的那次记录",
    "fit-no-session": "还没有记录包含这个血压输入。请在监护仪写入 U 盘的同时至少记录 30 秒，然后再来。",
    "fit-began-form": "文件名没有说明：请输入文件开始的时间，例如 2026-11-20T16:05:07",
    "fit-compare": "比较",
    "fit-keep": "保存这次校准",
    "fit-comparing": "正在比较……",
    "fit-good": "✔ 两者是同一个信号：这次校准可以保存",
    "fit-poor": "✕ 两者不相符：不保存任何内容",
    "fit-poor-todo": "请选择正是这次记录的文件，其中至少有 30 秒搏动的血压，并确认 ADC 一直连接着。",
    "fit-line": "mmHg = {gain} · V {offset}",
    "fit-residual": "残差 {rmse} mmHg（最多 {most}）",
    "fit-alike": "相似度 r = {r}（至少 {least}）",
    "fit-lag": "ADC 比文件晚 {lag} 秒",
    "fit-plot": "文件与 ADC 重叠显示",
    "fit-legend-file": "— 监护仪的文件，mmHg",
    "fit-legend-adc": "– –  按此直线换算的 ADC",
    "scale-take-levels": "正在等待监护仪的方波信号……",
    "scale-take-levels-of": "读取两个电平：{low} V 和 {high} V",
    "fit-session-open": "{day} {time}  {pseudonym}（正在记录）",
    "fit-session-of": "{day} {time}  {pseudonym}",
}
