"""Words of the Trends workspace. ``hemoview.ui.catalogue`` merges them."""

ENGLISH: dict[str, str] = {
    "tab-trends": "Trends",
    "cuff-kpa": "= {sbp}/{dbp} kPa",
    # bar
    "trends.span-300": "5 min",
    "trends.span-900": "15 min",
    "trends.span-3600": "1 h",
    "trends.span-14400": "4 h",
    "trends.span-28800": "8 h",
    "trends.span-43200": "12 h",
    "trends.span-86400": "24 h",
    "trends.closer": "Closer",
    "trends.wider": "Wider",
    "trends.whole": "Whole session",
    "trends.group-pressure": "Pressure",
    "trends.group-heart": "Heart rate",
    "trends.group-flow": "Flow",
    "trends.group-resistance": "Resistance",
    "trends.horizon": "Horizon",
    "trends.baseline-view": "This view is the baseline",
    "trends.baseline-first": "First 10 min are the baseline",
    "trends.sessions": "Sessions",
    "trends.running": "Running session",
    "trends.follow": "Follow",
    "trends.in-view": "{length} in view",
    "trends.reading": "{shown} · reading medians …",
    "trends.key": "Key {key}",
    # marks
    "trends.personalised": "personalised",
    "trends.reference-calibrated": "CNAP calibrated",
    "trends.finger-changed": "finger changed",
    # side
    "trends.tab-cursor": "At cursor",
    "trends.tab-table": "10-min medians",
    "trends.tab-target": "Time in target",
    "trends.table-of": "Parameter of the table",
    "trends.table-note": "Medians of every 10 minutes. n: estimates behind the median. Abst.: share of the time with "
    "no number. In brackets: reference was not calibrated.",
    "trends.column-time": "from",
    "trends.column-estimate": "est. {unit} [90 %]",
    "trends.column-reference": "CNAP",
    "trends.column-n": "n",
    "trends.column-abstained": "abst.",
    # target
    "trends.target-note": "Share of the time in view inside the range named by the template, by medians of 10 s. "
    "A description, not an alarm.",
    "trends.target-none": "The template of this session names no range. Ranges are set in the template, before the "
    "recording.",
    "trends.target-range": "{low}–{high} {unit}",
    "trends.target-shares": "in {inside} · ▼ {below} · ▲ {above} · none {nothing}",
    # horizon
    "trends.horizon-head": "Estimate against its baseline ({start} to {end}): up stands, down hangs; darker is a band "
    "further",
    "trends.horizon-band": "{base} ±{band}",
    "trends.horizon-none": "No estimate lies in the baseline: choose another one.",
    "trends.horizon-reading": "Reading the baseline …",
}

CHINESE: dict[str, str] = {
    "tab-trends": "趋势",
    "cuff-kpa": "= {sbp}/{dbp} kPa",
    # bar
    "trends.span-300": "5 分",
    "trends.span-900": "15 分",
    "trends.span-3600": "1 小时",
    "trends.span-14400": "4 小时",
    "trends.span-28800": "8 小时",
    "trends.span-43200": "12 小时",
    "trends.span-86400": "24 小时",
    "trends.closer": "放大",
    "trends.wider": "缩小",
    "trends.whole": "整段记录",
    "trends.group-pressure": "血压",
    "trends.group-heart": "心率",
    "trends.group-flow": "流量",
    "trends.group-resistance": "阻力",
    "trends.horizon": "基线偏离图",
    "trends.baseline-view": "以当前视图为基线",
    "trends.baseline-first": "以前 10 分钟为基线",
    "trends.sessions": "记录列表",
    "trends.running": "正在记录",
    "trends.follow": "跟随",
    "trends.in-view": "显示 {length}",
    "trends.reading": "{shown} · 正在计算中位数…",
    "trends.key": "按键 {key}",
    # marks
    "trends.personalised": "已个体化",
    "trends.reference-calibrated": "CNAP 已校准",
    "trends.finger-changed": "更换手指",
    # side
    "trends.tab-cursor": "光标处",
    "trends.tab-table": "10 分钟中位数",
    "trends.tab-target": "目标范围内时间",
    "trends.table-of": "表中的参数",
    "trends.table-note": "每 10 分钟的中位数。n：中位数所用的估计值个数。弃权：没有数值的时间比例。"
    "括号内：参考未校准。",
    "trends.column-time": "起始",
    "trends.column-estimate": "估计 {unit} [90 %]",
    "trends.column-reference": "CNAP",
    "trends.column-n": "n",
    "trends.column-abstained": "弃权",
    # target
    "trends.target-note": "当前视图中处于模板所设范围内的时间比例，按 10 秒中位数计算。仅作描述，不是报警。",
    "trends.target-none": "本次记录的模板没有设定范围。范围须在记录开始前于模板中设定。",
    "trends.target-range": "{low}–{high} {unit}",
    "trends.target-shares": "范围内 {inside} · ▼ {below} · ▲ {above} · 无数值 {nothing}",
    # horizon
    "trends.horizon-head": "估计值相对基线（{start} 至 {end}）：升高向上，降低向下；颜色越深，偏离越大",
    "trends.horizon-band": "{base} ±{band}",
    "trends.horizon-none": "基线内没有估计值：请另选基线。",
    "trends.horizon-reading": "正在读取基线…",
}
