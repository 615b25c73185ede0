"""Words of the validation report's dialog."""

from __future__ import annotations

from typing import Final

ENGLISH: Final[dict[str, str]] = {
    "browser.report": "Report…",
    "report.title": "Validation report",
    "report.explained": "How far a model agrees with the reference of this recording: errors, limits of agreement for "
    "repeated measures, intervals, standards compared with numerically. The session must be aligned.",
    "report.source": "Of",
    "report.dataset": "A dataset instead…",
    "report.model": "Model",
    "report.points": "Windows of each subject that calibrate",
    "choice-0": "None",
    "choice-1": "1",
    "choice-3": "3",
    "choice-5": "5",
    "report.out": "Folder",
    "report.change": "Change…",
    "report.begin": "Make the report",
    "report.stop": "Stop",
    "report.close": "Close",
    "report.page": "Open the page",
    "report.print": "Open the PDF",
    "report.progress": "Progress of the report",
    "report.working": "Judging {name} …",
    "report.writing": "Drawing and writing …",
    "report.done": "The report is written.",
    "report.stopped": "Stopped. Nothing was written.",
    "report.failed": "It was not made: {why}",
    "report.no-model": "No model is installed.",
    "report.folder-full": "There is something in that folder already; choose another.",
    "report.simulated": "SIMULATED: says nothing about people",
    "report.line-mean": "{parameter}: MAE {mae}, mean of the training people {beside}; 90 % interval covers {covered} "
    "({subjects} subjects, {windows} windows)",
    "report.line-shrunk_hold": "{parameter}: MAE {mae}, calibration held and shrunk {beside}; 90 % interval covers "
    "{covered} ({subjects} subjects, {windows} windows)",
    "report.none": "No window has a label that could be judged; the page says why.",
    "report.leakage": "Held back? {said}.",
}

CHINESE: Final[dict[str, str]] = {
    "browser.report": "报告…",
    "report.title": "验证报告",
    "report.explained": "模型与本次记录的参考值有多一致：误差、重复测量的一致性界限、区间，"
    "以及与标准的数值比较。记录须已对齐。",
    "report.source": "对象",
    "report.dataset": "改用数据集…",
    "report.model": "模型",
    "report.points": "每位受试者用于校准的窗口数",
    "choice-0": "无",
    "choice-1": "1",
    "choice-3": "3",
    "choice-5": "5",
    "report.out": "文件夹",
    "report.change": "更改…",
    "report.begin": "生成报告",
    "report.stop": "停止",
    "report.close": "关闭",
    "report.page": "打开网页",
    "report.print": "打开 PDF",
    "report.progress": "报告进度",
    "report.working": "正在评价 {name} …",
    "report.writing": "正在绘图并写入 …",
    "report.done": "报告已写好。",
    "report.stopped": "已停止，未写入任何内容。",
    "report.failed": "未能生成：{why}",
    "report.no-model": "没有安装模型。",
    "report.folder-full": "该文件夹中已有内容，请另选。",
    "report.simulated": "模拟数据：不能说明任何真人的情况",
    "report.line-mean": "{parameter}：MAE {mae}，训练人群均值 {beside}；90 % 区间覆盖 {covered}"
    "（{subjects} 名受试者，{windows} 个窗口）",
    "report.line-shrunk_hold": "{parameter}：MAE {mae}，校准值保持并收缩 {beside}；90 % 区间覆盖 {covered}"
    "（{subjects} 名受试者，{windows} 个窗口）",
    "report.none": "没有可供评价的带标签窗口，原因见网页。",
    "report.leakage": "是否未参与训练？{said}。",
}
