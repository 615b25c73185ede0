"""What the recorder says of links, the disk and the sessions it keeps, in Simplified Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["LINKS"]

LINKS: Final[Mapping[str, str]] = {
    # radio
    "{} ({}) is no {}: it lacks {}; choose another address": "{}（{}）不是 {}：缺少 {:list}；请选择另一个地址",
    "{} cannot be written to ({}): the link is gone": "无法写入 {}（{}）：连接已断",
    "{}: the search was ended": "{}：搜索已结束",
    "{}: Bluetooth did not answer within {} s: switch Bluetooth off and on again": (
        "{}：蓝牙在 {} 秒内没有应答：请关闭蓝牙再打开"
    ),
    "{} broke the Bluetooth link ({}): bring it near this computer; trying again": (
        "{} 的蓝牙连接中断（{}）：请让它靠近本机；正在重试"
    ),
    "{} did not answer in time: bring it near this computer; trying again": (
        "{} 没有及时应答：请让它靠近本机；正在重试"
    ),
    "{}: another program of this computer is connecting to it: close that program; if there is none, switch Bluetooth "
    "off and on again": "{}：本机的另一个程序正在连接它：请关闭该程序；若没有，请关闭蓝牙再打开",
    "the Bluetooth adapter of this computer is too old for Low Energy: plug in another one": (
        "本机的蓝牙适配器太旧，不支持低功耗蓝牙：请换一个"
    ),
    # ports and networks
    "The capture has ended": "回放已结束",
    "{} is no address: write socket://host:port": "{} 不是地址：请写成 socket://主机:端口",
    "{} is no address ({}): write socket://host:port": "{} 不是地址（{}）：请写成 socket://主机:端口",
    "Serial port {}: {}; correct the profile's [transport]": "串口 {}：{}；请改正配置中的 [transport]",
    "Serial port {} takes no bytes ({}): check the cable": "串口 {} 无法写入（{}）：请检查电缆",
    "{} cannot be the address of the {}: correct host and port": "{} 不能作为 {} 的地址：请改正主机和端口",
    "{} cannot be used for the {} ({}): correct host and port": "{} 不能用于 {}（{}）：请改正主机和端口",
    "{} takes no commands ({}); trying again": "{} 不接收命令（{}）；正在重试",
    "{} (for {} s; the link is opened anew)": "{}（已 {} 秒；正在重新连接）",
    # what a session is kept on
    "session {}: {}; the session ends here, check the disk": "记录 {}：{}；记录到此结束，请检查磁盘",
    "session {}: the store failed inside ({}); the session ends here, see the log": (
        "记录 {}：存储程序内部出错（{}）；记录到此结束，请查看日志"
    ),
    "disk of {}: it has not kept up and {} MiB wait; the session ends here, use a faster disk": (
        "{} 的磁盘：写入跟不上，{} MiB 待写；记录到此结束，请换用更快的磁盘"
    ),
    "recorder: {} failed inside; see the log": "记录程序：{} 内部出错；请查看日志",
    "no session is open on this station; correct a stored one in the session browser": (
        "本站点没有正在进行的记录；已保存的请在记录浏览器中更正"
    ),
    "estimates: they are not hidden in this session; nothing was changed": "估计值：本次记录中没有隐藏；未作更改",
    "phase: none is running; begin one first": "阶段：没有正在进行的阶段；请先开始一个",
    "phase: there is none left to begin; the protocol is through": "阶段：没有可开始的阶段；方案已全部完成",
    "phase: {} min is outside {} to {}": "阶段：{} 分钟超出 {} 至 {}",
    "devices: two have the same id; give each its own": "设备：有两个编号相同；请各用各的编号",
    "template “{}”: there is one of this name; choose another name": "模板“{}”：已有同名模板；请换一个名称",
    "template {}: came with HemoView and stays; copy it instead": "模板 {}：随 HemoView 提供，不可更改；请复制一份",
    "template “{}”: cannot be written to {} ({}); make room there or correct the rights of the folder": (
        "模板“{}”：无法写入 {}（{}）；请清理磁盘或改正文件夹权限"
    ),
    "template {}: cannot be removed ({}); correct the rights of {}": "模板 {}：无法删除（{}）；请改正 {} 的权限",
    "template {}: cannot be read ({}); check the path": "模板 {}：无法读取（{}）；请检查路径",
    "station {}: no answer to {} within {} s; see whether its recorder runs, or start it: recorder serve --station "
    "{}": ("站点 {}：{} 在 {} 秒内没有应答；请看记录程序是否在运行，或启动它：recorder serve --station {}"),
}
"""Forms of the recorder."""
