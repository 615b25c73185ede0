"""What the service and the way to it say, in Simplified Chinese: part by part, as ``who: what; todo``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["SERVICE", "SYNC"]

SYNC: Final[Mapping[str, str]] = {
    # the bedside's own
    "see that network and service are up": "请检查网络和服务器是否正常",
    "does not answer in time": "没有及时应答",
    "cannot be reached ({})": "无法连接（{}）",
    "broke off ({})": "连接中断（{}）",
    "its certificate is not one this station trusts ({}); ask its administrator for its CA file and choose it "
    "(at a command line: --ca FILE)": "其证书不受本站点信任（{}）；请向管理员索取其 CA 证书文件并选择它",
    "its certificate has run out; see that this machine's clock is right, else its administrator renews it": (
        "其证书已过期；请先核对本机时钟，若无误则由管理员更新证书"
    ),
    "its certificate is not valid yet; see that this machine's clock is right, else tell its administrator": (
        "其证书尚未生效；请先核对本机时钟，若无误请告知管理员"
    ),
    "its certificate is for another name; type the address just as its administrator gave it": (
        "其证书属于另一个名称；请按管理员给出的地址原样输入"
    ),
    "the certificate of service {} runs out in 1 day": "服务器 {} 的证书还有 1 天到期",
    "the certificate of service {} runs out in {} days": "服务器 {} 的证书还有 {} 天到期",
    "tell its administrator to renew it; then nothing would go there, and all would be kept here": (
        "请通知管理员更新证书；到期后将无法上传，数据保存在本机"
    ),
    "{}: does not hold the key it names; tell its administrator": "{}：不持有它声称的密钥；请告知管理员",
    "{}: another service answers than the one station {} is enrolled with ({} instead of {}); nothing was sent. If it "
    "was set up anew, sign out and enrol again": (
        "{}：应答的不是站点 {} 所登记的服务器（{}，应为 {}）；没有发送任何数据。"
        "如果服务器是重新安装的，请退出登记后重新登记"
    ),
    "{}: its answer is not understood ({}); update this HemoView": "{}：无法理解其应答（{}）；请更新本机的 HemoView",
    "{}: its receipt is of another service or session": "{}：其回执属于另一台服务器或另一次记录",
    "{}; it is tried again later": "{}；稍后自动重试",
    "{}: give host and port alone, such as https://{}:8440": "{}：只需主机和端口，例如 https://{}:8440",
    "{}: its signature is not of the key it should be of": "{}：签名与应有的密钥不符",
    "{}: holds {} under another key, from before this machine's folder {} was replaced; put that folder back from its "
    "backup": "{}：服务器上的 {} 使用另一把密钥，早于本机文件夹 {} 被更换；请从备份恢复该文件夹",
    "{}: cannot be used ({}); put it back from a backup": "{}：无法使用（{}）；请从备份恢复",
    "the session was never brought to this service, which cannot have it erased": (
        "此记录从未上传到该服务器，该服务器无权删除它"
    ),
    "{}: is no HemoView service ({}); check the address": "{}：不是 HemoView 服务器（{}）；请检查地址",
    "{}: two services answer at this address; tell its administrator": "{}：此地址上有两台服务器应答；请告知管理员",
    "the CA file holds no certificate; ask for the service's CA file (PEM)": (
        "CA 文件中没有证书；请索取服务器的 CA 证书文件（PEM）"
    ),
    "{} is no address of a service; give one such as https://ward.example:8440": (
        "{} 不是服务器地址；请输入如 https://ward.example:8440 的地址"
    ),
    "{}: http would carry people's data in the clear; use https": "{}：http 会明文传输个人数据；请使用 https",
    "{}: is no CA file (PEM) that can be read; ask for the service's": "{}：不是可读的 CA 证书文件（PEM）；请重新索取",
    "service {} does not answer, files waiting: {} of {}": "服务器 {} 没有应答，{} / {} 个文件待上传",
    "record all the same: they are kept here and go there when it answers": (
        "照常记录即可：文件保存在本机，服务器恢复后自动上传"
    ),
    "service {} takes nothing, files waiting: {} of {}": "服务器 {} 拒绝接收，{} / {} 个文件待上传",
    "this machine's clock and that of service {} are {} s apart": "本机时钟与服务器 {} 的时钟相差 {} 秒",
    "see which is right before you record: times of a session are this machine's": (
        "记录前请核对哪个正确：记录中的时间以本机为准"
    ),
    "{}: speaks version {} of the protocol, this HemoView {}; bring both to the same version. Nothing was sent, all is "
    "kept here": "{}：使用协议版本 {}，本机为 {}；请把两边的 HemoView 更新到同一版本。没有发送任何数据，都保存在本机",
    "has no space left ({}); tell its administrator": "空间不足（{}）；请告知其管理员",
    "points elsewhere, which is not followed; enrol with the address it is really at": (
        "指向另一个地址，不予跟随；请用它的真实地址登记"
    ),
    "station {} is not enrolled with {}; ask the service's administrator for a code, then recorder enrol --server {} "
    "--code CODE --station {}": (
        "站点 {} 没有在 {} 登记；请向服务器管理员索取代码，再运行 recorder enrol --server {} --code CODE --station {}"
    ),
    "answers {}": "应答 {}",
    "{}: stopped before it answered": "{}：在其应答之前已停止",
    "stopped; what was sent is kept, the rest goes next time": "已停止；已上传的保留，其余下次上传",
    "{}: is not what was sealed (hash differs), so it is not sent; run recorder verify": (
        "{}：与封存时不同（校验值不符），因此不上传；请运行 recorder verify"
    ),
    "{}: is too large or oddly named to be sent; recorder export takes it": (
        "{}：过大或名称特殊，不能上传；请用 recorder export 导出"
    ),
    "{}: lies outside its session": "{}：不在其记录文件夹内",
    "{}: is no enrolment; remove it and enrol again": "{}：不是登记文件；请删除并重新登记",
    "{}: written by a newer HemoView; update this one": "{}：由更新版本的 HemoView 写成；请更新本机",
    "{}: is no data key; put it back from a backup of this folder": "{}：不是数据密钥；请从此文件夹的备份恢复",
    "the order is not signed; the service is older than this station: update it": (
        "指令没有签名；服务器比本站点旧：请更新服务器"
    ),
    "{}/{}: decrypts to something else than its manifest says": "{}/{}：解密后与其清单不符",
    "{}/{}: cannot be decrypted; changed, or of another key": "{}/{}：无法解密；内容被改动，或密钥不对",
    "{}: its key was wrapped for another service, or changed": "{}：其密钥属于另一台服务器，或被改动",
    "see Service in the menu": "请看菜单中的“服务器”",
}
"""Forms of the recorder."""

SERVICE: Final[Mapping[str, str]] = {
    "this code is unknown, used or too old": "代码不正确、已用过或已过期",
    "ask for a new one": "请索取新的代码",
    "a character of the code is mistyped": "代码有一个字符输错",
    "read it again": "请重新核对",
    "this device was revoked": "本设备已被停用",
    "enrol it again": "请重新登记",
    "too many tries": "尝试次数过多",
    "out of order": "发生故障",
    "too many wrong tries": "错误次数过多",
    "this session was erased here": "此记录已在服务器上删除",
    "a fault of the service": "服务器发生故障",
    "its log says more": "详情见其日志",
    "the database is busy": "数据库繁忙",
    "try again": "请再试一次",
    "the service's disk is full": "服务器磁盘已满",
    "nothing was stored": "没有保存任何内容",
    "sign out and enrol again": "请退出登记后重新登记",
    "the consent of this session does not allow uploading it": "此记录的知情同意不允许上传",
    "cannot be reached (Connection refused)": "无法连接（连接被拒绝）",
    "cannot be reached (Name or service not known)": "无法连接（找不到此地址）",
}
"""Sentences of the service, word for word."""
