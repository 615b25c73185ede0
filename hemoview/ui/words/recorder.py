"""The recorder's own sentences in Simplified Chinese.

They arrive as finished English, because the recorder also speaks to command lines and logs; each is found again by its
form, ``{}`` standing for whatever was filled in, ``{:list}`` in Chinese where that is a list. A sentence that is not
here stays English: nothing is left unsaid. The suite looks that every form is still the recorder's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from hemoview.ui.words import system as system_words
from hemoview.ui.words.advice import ADVICE
from hemoview.ui.words.links import LINKS
from hemoview.ui.words.reports import REPORTS
from hemoview.ui.words.services import SERVICE, SYNC
from hemoview.ui.words.shipped import SHIPPED

PHRASES: Final[Mapping[str, str]] = {
    # pre-flight
    "no pseudonym was given": "没有输入代号",
    "enter one": "请输入",
    "no consent was referred to": "没有注明知情同意",
    "enter version and date of the form": "请输入同意书的版本和日期",
    "correct it": "请更正",
    "given": "已给出",
    "subject": "受试者",
    "consent": "知情同意",
    "recorder": "记录程序",
    "this machine": "本机",
    "ready": "就绪",
    "{} MiB free, {} MiB are needed to begin": "剩余 {} MiB，开始记录需要 {} MiB",
    "make room, or set HEMOVIEW_HOME to a folder on another disk and start again": (
        "请清理磁盘，或把 HEMOVIEW_HOME 设为另一磁盘上的文件夹后重新启动"
    ),
    "room for {} h": "还可记录 {} 小时",
    "make room for a longer recording": "如需更长的记录，请清理磁盘",
    "{} GiB free": "剩余 {} GiB",
    "disk {}": "磁盘 {}",
    "is not encrypted": "未加密",
    "every account of this computer can list the sessions in {}, whose names hold pseudonyms": (
        "本机的每个账户都能列出 {} 中的记录，其名称含有代号"
    ),
    "close it with: chmod o-rwx {}": "请用以下命令关闭：chmod o-rwx {}",
    "switch on the encryption of this computer's disk, or keep it under lock": "请启用本机磁盘加密，或将电脑锁好保管",
    "delivers no samples of {}": "没有送来 {:list} 的样本",
    "delivers": "正常送数据",
    "entered by hand": "手工输入",
    "is {}": "状态：{}",
    "connect it, or give a reason to begin without": "请连接，或写明缺少它仍要开始的理由",
    "check it, or give a reason to begin without": "请检查，或写明缺少它仍要开始的理由",
    "connect it, or begin without it": "请连接，或不用它直接开始",
    "check it, or begin without it": "请检查，或不用它直接开始",
    "battery at {}": "电量 {}",
    "charge it before a long recording": "长时间记录前请先充电",
    "battery at {} lasts about {} h, the template {} h": "电量 {}，约够 {} 小时，模板需 {} 小时",
    "charge it, or use another one": "请充电，或换一个",
    "the template asks for it, but it is not set up on this station": "模板需要它，但本站点没有设置",
    "a reboot is pending after an update": "更新后等待重启",
    "reboot before a long recording": "长时间记录前请先重启",
    "runs on its battery": "正在用电池供电",
    "plug it in": "请接上电源",
    "sleep cannot be held off ({})": "无法阻止休眠（{}）",
    "switch sleep off while recording": "记录期间请关闭休眠",
    "a session is open already; stop it first": "已有一次记录在进行；请先停止",
    "a session is open already": "已有一次记录在进行",
    "stop it first": "请先停止",
    # disk
    "disk {}: is a network folder ({}); choose a folder on this machine's own disk": (
        "磁盘 {}：是网络文件夹（{}）；请选择本机磁盘上的文件夹"
    ),
    "disk {}: is synchronised by a cloud service ({}); choose a folder outside it": (
        "磁盘 {}：由云服务同步（{}）；请选择其外的文件夹"
    ),
    "disk {}: cannot be written ({}); free the disk, or set HEMOVIEW_HOME to a folder on another one and start again": (
        "磁盘 {}：无法写入（{}）；请清理磁盘，或把 HEMOVIEW_HOME 设为另一磁盘上的文件夹后重新启动"
    ),
    "disk {}: {} MiB left; the session was stopped in order, make room before the next": (
        "磁盘 {}：只剩 {} MiB；记录已完整停止，下次记录前请清理"
    ),
    # imports
    "{}: absent or empty": "{}：没有或为空",
    "1 row is no number": "1 行不是数字",
    "{} rows are no numbers": "{} 行不是数字",
    "1 row stood before an earlier one and was put in order": "1 行次序颠倒，已按时间排好",
    "{} rows stood before an earlier one and were put in order": "{} 行次序颠倒，已按时间排好",
    "in {} of {} beats systolic, mean and diastolic do not follow one another: they count as artefacts; does the file "
    "name its columns rightly?": (
        "{} 次心搏（共 {} 次）的收缩压、平均压、舒张压次序不对，按伪差处理；文件的列名是否正确？"
    ),
    "it is empty": "是空文件",
    "it has names of columns and no row below them": "只有列名，没有数据行",
    "its times begin again at {} s: there is more than one recording in it": "时间在 {} 秒处重新开始：其中不止一次记录",
    "it was saved again by another program: the monitor has ';' between fields, this has not": (
        "被其他程序另存过：监护仪用“;”分隔，此文件不是"
    ),
    "there is no ..._{}.csv beside it": "旁边没有 ..._{}.csv",
    "the monitor was never calibrated by its arm cuff (no NBPcal): its pressures are no reference": (
        "监护仪从未用臂袖带校准（无 NBPcal）：其血压不能作参考"
    ),
    "no HDcal: CO and what follows from it are uncalibrated CO": "没有 HDcal：CO 及由它得出的数值均未校准",
    "1 event with words of its own was kept as a marker; check it for names": (
        "1 个自由文字事件已保留为标记；请检查其中是否有姓名"
    ),
    "{} events with words of their own were kept as markers; check them for names": (
        "{} 个自由文字事件已保留为标记；请检查其中是否有姓名"
    ),
    "a column whose name says that it is about the person was left out": "列名涉及个人信息的一列未导入",
    "a column no rule knows holds words, not numbers, and was left out (column {})": (
        "一个未知的列是文字而非数字，未导入（第 {} 列）"
    ),
    "{}: 1 field is no number and was left empty": "{}：1 个格子不是数字，已留空",
    "{}: {} fields are no numbers and were left empty": "{}：{} 个格子不是数字，已留空",
    "only {} of {} beats lie within the waveform": "只有 {} 次心搏（共 {} 次）落在波形之内",
    "{}: is empty; fetch it again": "{}：是空文件；请重新获取",
    "{}: cannot be read as a zip ({}); while it is still copied wait, else fetch it again": (
        "{}：不是可读的压缩包（{}）；如仍在复制请稍候，否则请重新获取"
    ),
    "{}: is locked with a password; unpack it with the password and choose the folder": (
        "{}：有密码；请用密码解压后选择文件夹"
    ),
    "{}: is a folder; choose the ..._beats.csv in it": "{}：是文件夹；请选择其中的 ..._beats.csv",
    "it has no row of numbers": "没有一行是数字",
    "it ends before the row of the rate": "没有采样率那一行",
    "there is a second {}; keep one of the two": "还有另一个 {}；请只留一个",
    "there is a second {}; the first was taken": "还有另一个 {}；采用了第一个",
    "damaged in the zip ({})": "压缩包中已损坏（{}）",
    "it says {} Hz and an E4 has {} Hz there; is it another file renamed?": (
        "文件注明 {} Hz，而 E4 在此为 {} Hz；是否改过文件名？"
    ),
    "it begins on {} UTC, not with the others; is it of another recording?": (
        "它开始于 {} UTC，与其他文件不同时；是否属于另一次记录？"
    ),
    "is not there; its segment is a gap": "文件缺失；该段记为缺口",
    "is not there, nor is 1 other: each is a gap": "文件缺失，另有 1 个也缺失：各段记为缺口",
    "is not there, nor are {} others: each is a gap": "文件缺失，另有 {} 个也缺失：各段记为缺口",
    "is cut off before its first sample; it is a gap": "在第一个样本之前就被截断；记为缺口",
    "more than {} samples a second are no signal's": "每秒超过 {} 个样本，不是信号",
    "it may have gaps (EDF+D) and does not say when 1 of its {} data records was taken: it was put behind the one "
    "before": "文件可能有间断（EDF+D），其 1 个数据段（共 {} 个）没有时间：已接在前一段之后",
    "1 data record stands behind the {} its header tells of and was left out; if it belongs to it, let the program "
    "that wrote it mend its header": (
        "文件头之外还有 1 个数据段（文件头记 {} 个），未导入；若属于此记录，请用原程序修正文件头"
    ),
    "it may have gaps (EDF+D) and does not say when {} of its {} data records were taken: they were put behind the one "
    "before": "文件可能有间断（EDF+D），其 {} 个数据段（共 {} 个）没有时间：已接在前一段之后",
    "{} data records stand behind the {} its header tells of and were left out; if they belong to it, let the program "
    "that wrote it mend its header": (
        "文件头之外还有 {} 个数据段（文件头记 {} 个），未导入；若属于此记录，请用原程序修正文件头"
    ),
    "holds no annotation that can be read": "没有可读的标注",
    "{}: was cut; its annotations are read as far as they go": "{}：被截断；标注已读到截断处为止",
    "is not there; its signals are gaps": "文件缺失；其信号记为缺口",
    "cannot be read ({}); it is a gap": "无法读取（{}）；记为缺口",
    "its times are counted from the start that was named, or from 1970": "时间从指定的开始算起，未指定则从 1970 年算起",
    "the record has no date: {}": "记录没有日期：{}",
    "the file has no date: {}": "文件没有日期：{}",
    "the year {} of the record is none of its device: {}": "记录的年份 {} 不可信：{}",
    "the file was cut: its last {} s are missing": "文件被截断：缺少最后 {} 秒",
    # commands
    "no session is open on this station; press Start first": "本站点没有正在进行的记录；请先按“开始”",
    "no session is open on this station; nothing was stopped": "本站点没有正在进行的记录；没有停止任何记录",
    "session {}: sealing takes over {} s; it goes on": "记录 {}：封存已超过 {} 秒，仍在进行",
    "calibration: {} has no channel {}; choose one of this station": "校准：{} 没有通道 {}；请选择本站点的通道",
    "marker: there is none to undo; nothing was changed": "标记：没有可撤销的；未作更改",
    "cuff reading: there is none with that id; nothing was withdrawn": "袖带读数：没有这一条；未撤回",
    "cuff reading: it was withdrawn already; nothing was changed": "袖带读数：已经撤回过；未作更改",
    "cuff reading: give a reason to withdraw it; nothing was withdrawn": "袖带读数：请写明撤回理由；未撤回",
    "recorder: a session is open; stop it first, or shut down with force": (
        "记录程序：有一次记录在进行；请先停止或强制关闭"
    ),
    "subject: another pseudonym than this session's; stop and start a new session": (
        "受试者：与本次记录的代号不同；请停止并开始新的记录"
    ),
    "{} controls this station: take control first, then repeat": "{} 控制着本站点：请先接管，再重复操作",
    "{}: is being recorded and stays as it is until Stop; press Stop first, or add another device": (
        "{:list}：正在记录，停止前保持不变；请先停止，或添加另一个设备"
    ),
    "{}: no reason; say why, the recording goes on": "{}：没有理由；请写明理由，记录继续进行",
    "{}: no operator code; say who, the recording goes on": "{}：没有操作者代码；请填写，记录继续进行",
    "clock of the monitor: {} is no time; enter it as it shows, 14:05:30": (
        "监护仪时钟：{} 不是时间；请照其显示输入，如 14:05:30"
    ),
    "hand height: {} cm is outside -100 to 100; type it again": "手的高度：{} cm 超出 -100 至 100；请重新输入",
    "cuff reading {}/{}: systolic must be above diastolic": "袖带读数 {}/{}：收缩压必须高于舒张压",
    "cuff mean {} is not between {} and {}": "袖带平均压 {} 不在 {} 与 {} 之间",
    "cuff systolic {} mmHg is outside {} to {}": "袖带收缩压 {} mmHg 超出 {} 至 {}",
    "cuff diastolic {} mmHg is outside {} to {}": "袖带舒张压 {} mmHg 超出 {} 至 {}",
    # wristband by the streaming server
    "E4 streaming server {} sends no sample: check that the wristband is on, charged and near its computer": (
        "E4 流服务器 {} 没有送来样本：请检查腕带已开机、有电且靠近其电脑"
    ),
    "E4 {}: skin conductance is exactly 0 for 10 s; the band may not be worn: check it": (
        "E4 {}：皮肤电导连续 10 秒恰为 0，可能没有戴好：请检查"
    ),
    "E4 {} lost its radio link: bring the wristband nearer to the computer": "E4 {} 无线连接中断：请让腕带靠近电脑",
    "E4 {} was turned off with its button: turn it on again": "E4 {} 被按键关机：请重新开机",
    "{} has no wristband connected: turn the E4 on and connect it in the server": (
        "{} 没有连接腕带：请打开 E4，并在服务器中连接它"
    ),
    "{} does not have E4 {}, but {}: choose one of them": "{} 上没有 E4 {}，只有 {:list}：请从中选择",
    "{} refuses E4 {}: register the band for the server's API key": "{} 拒绝 E4 {}：请用服务器的 API key 注册该腕带",
    "{} did not answer {}: see that it is an E4 streaming server, and restart it": (
        "{} 没有应答 {}：请确认它是 E4 流服务器，并重启它"
    ),
    "{} accepts subscriptions but sends no samples of {}: wear and turn on the band; if that is so, restart the server "
    "from the last page of its installer": (
        "{} 接受订阅但没有送来 {} 的样本：请戴好并打开腕带；若已如此，请从其安装程序的最后一页重启服务器"
    ),
    # serial converter
    "{} is open but sends nothing: check cable, power and baud rate of {}": (
        "{} 已打开但没有送来任何数据：请检查电缆、电源和 {} 的波特率"
    ),
    "{} is open but sends no sample: check cable, power, baud rate ({}) and profile ({})": (
        "{} 已打开但没有样本：请检查电缆、电源、波特率（{}）和配置（{}）"
    ),
    '{} sends bytes that profile {} cannot read (they begin "{}"): choose another port or profile, or correct the baud '
    "rate": "{} 送来的字节无法用配置 {} 读取（开头为“{}”）：请换端口或配置，或改正波特率",
    "Serial port {} is in use by another program or station: close it there": (
        "串口 {} 正被其他程序或站点占用：请先关闭它"
    ),
    "Serial port {} is refused by the system: close the program that uses it, or give this user access to serial ports "
    "(group dialout)": "系统拒绝打开串口 {}：请关闭占用它的程序，或授予本用户串口权限（dialout 组）",
    "There is no serial port {}: plug the device in, or choose its port": "没有串口 {}：请插上设备，或选择它的端口",
    "{} devices called {} are in range, {}": "附近有 {} 台名为 {} 的设备：{:list}",
    "{} devices of the kind {} are in range, {}": "附近有 {} 台同类设备（{}）：{:list}",
    "Search for devices": "搜索设备",
    "pair by button, or choose one by its address": "请用“配对”按按钮认出，或按地址选择一台",
    "Serial port {} is gone ({}): check cable and power": "串口 {} 消失（{}）：请检查电缆和电源",
    "Serial port {} cannot be opened ({}): check cable and settings": "无法打开串口 {}（{}）：请检查电缆和设置",
    # network
    "{} closed the connection; see that it still runs, trying again": "{} 关闭了连接；请确认它仍在运行，正在重试",
    "Nothing listens on {}: start the {}, or correct the port": "{} 上没有程序在监听：请启动 {}，或改正端口",
    "No computer is called {}: correct the host of the {}": "没有名为 {} 的电脑：请改正 {} 的主机名",
    "{} did not answer within {} s: check the host of the {} and its firewall": (
        "{} 在 {} 秒内没有应答：请检查 {} 的主机及其防火墙"
    ),
    "{} cannot be reached ({}): check network and host": "无法到达 {}（{}）：请检查网络和主机",
    "{} broke the connection ({}); trying again": "{} 中断了连接（{}）；正在重试",
    # radio
    "this computer has no working Bluetooth: plug in or switch on a Bluetooth adapter (on Linux start its service: "
    "systemctl start bluetooth), or connect the device another way": (
        "本机没有可用的蓝牙：请插上或打开蓝牙适配器（Linux 启动服务：systemctl start bluetooth），"
        "或用其他方式连接设备"
    ),
    "Bluetooth of this computer is switched off: switch it on": "本机蓝牙已关闭：请打开",
    "{} is not in range: switch it on near this computer; if a phone, another computer or another station is connected "
    "to it, disconnect it there": "{} 不在范围内：请在本机附近打开它；若手机、其他电脑或站点已连接它，请先断开",
    "{} dropped the Bluetooth link: bring it near this computer and check its charge; trying again": (
        "{} 的蓝牙连接中断：请让它靠近本机并检查电量；正在重试"
    ),
    "{} went out of reach: bring it near this computer; trying again": "{} 超出范围：请让它靠近本机；正在重试",
    # session
    "{}: was moved or erased at this very moment; look where it is now": "{}：此刻刚被移走或删除；请查看它现在的位置",
    # calibration
    "{}: {} may be two moments in {}, where the clocks were changed that night; give --file-start {} or --file-start "
    "{}": "{}：{} 在 {} 可能是两个时刻，因为那一夜调整过钟表；请给出 --file-start {} 或 --file-start {}",
    # import
    "already imported as {}, by another window or command at the same time": "另一个窗口或命令同时导入了它，记录为 {}",
    "{}: another import does not come to an end; try again in a minute": "{}：另一个导入迟迟没有结束；请一分钟后重试",
    # export
    "label set {}": "标注集“{}”",
    "a label set": "一个标注集",
    "{}: is there already and is not overwritten; give another name or take it away": (
        "{}：已存在，不会覆盖；请换一个名称或将其移走"
    ),
    "{}: the name tells whose it is; give another, such as {}{}": "{}：该名称透露了受试者身份；请换一个，例如 {}{}",
    "{}: subject {} has withdrawn; nothing of the session is exported": (
        "{}：受试者 {} 已撤回同意；不导出该记录的任何内容"
    ),
    "an E4 zip needs the streams of a wristband; there is {}. Choose another format": (
        "E4 压缩包需要腕带的数据流；现有 {:list}。请选择其他格式"
    ),
    **LINKS,
    **REPORTS,
    **SYNC,
}
SHORTEST: Final = 5
_JOINTS: Final = (("; ", "；"), (": ", "："))


@lru_cache(maxsize=2048)
def in_chinese(sentence: str) -> str:
    """The sentence in Chinese as far as its form is known; several lines, or ``who: what; todo``, part by part."""
    if len(sentence) < SHORTEST or (not sentence.isascii() and not _has_words(sentence)):
        return SHIPPED.get(sentence, sentence)
    if "\n" in sentence:
        return "\n".join(in_chinese(line) for line in sentence.split("\n"))
    whole = SHIPPED.get(sentence) or SERVICE.get(sentence) or _whole(sentence) or _system(sentence)
    if whole is not None:
        return whole
    if sentence.endswith("."):  # a banner ends the sentence, a list does not
        told = in_chinese(sentence[:-1])
        return sentence if told == sentence[:-1] else f"{told}。"
    for joint, said in _JOINTS:
        first, found, rest = sentence.partition(joint)
        if found:
            parts = [in_chinese(first), in_chinese(rest)]
            return sentence if parts == [first, rest] else said.join(parts)
    return sentence


def error_in_chinese(sentence: str, advice: str) -> str:
    """The sentence in Chinese; where it is not known in full, first what to do by the id that came with it."""
    said = in_chinese(sentence)
    if advice not in ADVICE or not is_english(said):
        return said
    return f"{ADVICE[advice]}（原文：{sentence}）"


def is_english(said: str) -> bool:
    """English words follow one another: no name, no path, no number and no command line does that."""
    plain = re.sub(r"\brecorder [a-z]+\b", "", said)
    return re.search(r"\b[A-Za-z]{2,}'?s? [a-z]{2,}\b", plain) is not None


def _has_words(sentence: str) -> bool:
    return re.search(r"[A-Za-z]{3,} ", sentence) is not None


def _system(sentence: str) -> str | None:
    said = system_words.in_chinese(sentence)
    return said if said != sentence else None


def _whole(sentence: str) -> str | None:
    for form, chinese in _FORMS:
        found = form.fullmatch(sentence)
        if found is not None:
            return chinese.format(*map(_Filled, map(system_words.in_chinese, found.groups())))
    return None


class _Filled(str):
    """What stands in a form: ``{:list}`` of Chinese joins it as Chinese does."""

    __slots__ = ()

    def __format__(self, how: str) -> str:
        return self.replace(", ", "、") if how == "list" else format(str(self), how)


def _form(english: str) -> re.Pattern[str]:
    return re.compile("(.+?)".join(re.escape(part) for part in english.split("{}")))


# The form with the most words of its own first: it is asked before one that fits everything.
_FORMS: Final = tuple(
    (_form(english), chinese)
    for english, chinese in sorted(PHRASES.items(), key=lambda pair: -len(pair[0].replace("{}", "")))
)
