"""What to do about an error of the recorder by its advice id, in Simplified Chinese: for a sentence nobody translated.

The whole sentence says more, so it comes behind; the suite looks that every id the recorder has is here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["ADVICE"]

ADVICE: Final[Mapping[str, str]] = {
    "unknown": "操作未完成，请再试一次；若仍不行，请告知管理员",
    "check-settings": "设置有误，请改正后再试",
    "check-device": "设备或其连接有问题，请检查设备",
    "link-lost": "设备连接中断，正在自动重连",
    "device-absent": "设备没有应答，请打开它并靠近本机",
    "device-busy": "设备正被其他程序或站点占用，请先在那里断开",
    "device-refused": "设备拒绝了请求，请检查设备",
    "check-station": "本站点的记录程序有问题，请重新打开 HemoView",
    "station-locked": "本站点已有记录程序在运行，请使用那一个",
    "recorder-down": "记录程序没有应答，请重新打开 HemoView",
    "recorder-fault": "记录程序内部出错，请查看日志并告知管理员",
    "take-control": "另一个窗口控制着本站点，请先接管",
    "check-session": "此记录不能这样使用，请检查",
    "session-damaged": "此记录有一部分无法读取",
    "session-newer": "此记录由更新版本的 HemoView 写成，请更新本机",
    "session-in-use": "此记录正在使用中，请稍后再试",
    "start-refused": "无法开始记录，请检查开始对话框中的各项",
    "check-service": "与服务器之间有问题，数据都保存在本机",
    "service-garbled": "本机与服务器互相看不懂，数据都保存在本机；请把两边的 HemoView 更新到同一版本",
    "service-version": "本机与服务器的 HemoView 版本不同，数据都保存在本机；请更新到同一版本",
    "service-forged": "收到的内容签名不符，未被采用；请告知服务器管理员",
    "service-unreachable": "服务器没有应答，会自动重试，数据都保存在本机",
    "service-refused": "服务器拒绝了请求，数据都保存在本机；请告知其管理员",
    "service-revoked": "本机已被服务器停用，数据都保存在本机；请向其管理员索取新的代码",
    "service-certificate": "服务器的证书未被接受，没有发送任何数据；请告知其管理员",
    "service-other": "此地址上是另一台服务器，没有发送任何数据；请告知其管理员",
    "check-file": "文件无法读取，请检查",
    "check-disk": "磁盘拒绝写入，请检查磁盘和文件夹权限",
    "disk-full": "磁盘已满，请清理",
    "disk-read-only": "磁盘只读，请换一个文件夹",
    "disk-stalled": "磁盘写入跟不上，请换用更快的磁盘",
    "devices-not-ready": "有设备未就绪，请逐个检查",
}
