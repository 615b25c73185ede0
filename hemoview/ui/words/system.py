"""What the operating system says of a disk, a port or a network, in Simplified Chinese: it is filled into sentences."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Mapping
from typing import Final

__all__ = ["in_chinese"]

_BY_NUMBER: Final[Mapping[int, str]] = {
    errno.EPERM: "不允许此操作",
    errno.ENOENT: "找不到文件或文件夹",
    errno.EIO: "读写错误",
    errno.ENXIO: "设备不存在",
    errno.EACCES: "没有权限",
    errno.EBUSY: "正被占用",
    errno.EEXIST: "已存在",
    errno.ENODEV: "没有此设备",
    errno.ENOTDIR: "不是文件夹",
    errno.EISDIR: "是文件夹",
    errno.EINVAL: "参数无效",
    errno.EMFILE: "打开的文件过多",
    errno.EFBIG: "文件过大",
    errno.ENOSPC: "磁盘已满",
    errno.EROFS: "磁盘只读",
    errno.EPIPE: "连接已断",
    errno.ENAMETOOLONG: "文件名过长",
    errno.ENETDOWN: "网络已断",
    errno.ENETUNREACH: "网络不可达",
    errno.ECONNABORTED: "连接被中止",
    errno.ECONNRESET: "连接被对方重置",
    errno.ETIMEDOUT: "超时",
    errno.ECONNREFUSED: "连接被拒绝",
    errno.EHOSTDOWN: "对方主机已关",
    errno.EHOSTUNREACH: "找不到对方主机",
    errno.EADDRINUSE: "端口已被占用",
    errno.EDQUOT: "磁盘配额已满",
    errno.ESTALE: "网络文件夹已失效",
}
_SAID: Final[Mapping[str, str]] = {
    **{os.strerror(number): chinese for number, chinese in _BY_NUMBER.items()},
    "Name or service not known": "找不到此地址",
    "Temporary failure in name resolution": "暂时无法解析地址",
    "No address associated with hostname": "此名称没有地址",
    "timed out": "超时",
    "The read operation timed out": "超时",
    "Server disconnected without sending a response.": "服务器未应答即断开",
    "SetThreadExecutionState was refused": "系统拒绝了请求",
    "unable to get local issuer certificate": "签发者未知",
    "self-signed certificate": "自签名证书",
    "self-signed certificate in certificate chain": "证书链中有自签名证书",
}
_ENDED: Final = re.compile(r"(\S+) ended with (-?\d+)")
_NUMBERED: Final = re.compile(r"\[(?:Errno|WinError) -?\d+\] ([^:]+)(?:: (.+))?")


def in_chinese(said: str) -> str:
    """The same; as it is where it is nothing of a system's."""
    if ended := _ENDED.fullmatch(said):
        return f"{ended[1]} 退出，代码 {ended[2]}"
    if numbered := _NUMBERED.fullmatch(said):
        what = _SAID.get(numbered[1].strip(), numbered[1])
        return f"{what}：{numbered[2]}" if numbered[2] else what
    return _SAID.get(said, said)
