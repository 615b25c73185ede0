"""What refuses a report of a model against its reference, and what it says of leakage, in Simplified Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["REPORTS"]

REPORTS: Final[Mapping[str, str]] = {
    # refused
    "{}: neither a session nor a dataset; name the folder of one": "{}：不是记录，也不是数据集；请选择其文件夹",
    "{}: it holds no reference to judge a model against; import the monitor's files too": (
        "{}：没有可用来对照模型的参考；请把监护仪文件也导入"
    ),
    "{}: it was never aligned; align it in Review, or run hemoview align": "{}：尚未对齐；请在“回放”中对齐",
    "{}: its alignment is refused ({}); labels would belong to other windows": (
        "{}：对齐未通过（{}）；标签会落到别的窗口上"
    ),
    "{}: its estimates are hidden; show them in Review first, with a reason": (
        "{}：其估计值已隐藏；请先在“回放”中写明理由后显示"
    ),
    "{}: subject {} was withdrawn; no report is made of them": "{}：受试者 {} 已撤回同意；不为其生成报告",
    "{}: {} withdrew; no report is made of them, build it again without": (
        "{}：{:list} 已撤回同意；不为其生成报告，请去掉后重建"
    ),
    "{}: no model bundle (card.json, model.onnx); name its folder or a shipped one": (
        "{}：不是模型包（card.json、model.onnx）；请选择其文件夹或随附的模型"
    ),
    "{}: the report cannot be written there ({})": "{}：无法把报告写到那里（{}）",
    "the process that made the report ended; try again": "生成报告的程序已结束；请重试",
    # folders of datasets
    "{}: windows of shape {}; give (windows, samples), at least one": (
        "{}：窗口数组的形状是 {}；应为（窗口，样本），至少一个窗口"
    ),
    "{}: there is no such file; a dataset needs it": "{}：没有此文件；数据集需要它",
    "{}: holds {}, not numbers": "{}：内容是 {}，不是数字",
    "{}: {} rows of labels for {} windows; they must be as many": "{}：标签有 {} 行，窗口有 {} 个；两者必须相等",
    "{}: its content is not the one its version was made of ({}…, found {}…); restore the files, or remove version "
    "from {} if the change was meant": (
        "{}：内容与其版本不符（应为 {}…，实为 {}…）；请恢复文件，若有意更改，请从 {} 中删去 version"
    ),
    # whether the model has seen these people
    "no subjects are known, every row counts as its own: leakage cannot be excluded": (
        "不知道是哪些受试者，每行各算一人：不能排除泄漏"
    ),
    "the model does not list its training subjects: that none is here cannot be checked": (
        "模型没有列出其训练受试者：无法核对此处是否有其中的人"
    ),
    "subject-grouped: nobody judged here trained or chose the model; no window is in two parts": (
        "按受试者分组：此处评价的人都没有用于训练或选择模型；没有窗口同在两部分中"
    ),
    "trained on another dataset: that nobody is in both cannot be checked": (
        "用另一数据集训练：无法核对是否有人同在两者之中"
    ),
}
