"""Words of the service as the bedside sees it: sync, enrolment, feedback."""

from __future__ import annotations

from typing import Final

ENGLISH: Final[dict[str, str]] = {
    "menu-service": "Service (LAN)…",
    # the line on top
    "sync-line-waiting": "sync {waiting} of {total} waiting",
    "sync-line-no-answer": "no service: {waiting} of {total} waiting",
    "sync-line-last": "{server}: {waiting} of {total} {total:file|files} {waiting:waits|wait}, last success {last}",
    "sync-line-done": "synced {last}",
    "sync-line-nothing": "sync: nothing to send yet",
    "sync-line-away": "service {server} does not answer",
    "sync-line-refused": "sync stopped: see Service",
    "sync-line-certificate": "service certificate: {days} {days:day|days} left",
    "sync-line-certificate-whole": "The certificate of {server} runs out in {days} {days:day|days}; then nothing goes "
    "there any "
    "more. Tell its administrator to renew it. Recording goes on, and nothing is lost.",
    # the dialog
    "service-title": "Service",
    "service-explained": "A service in your hospital keeps a copy of sessions whose consent covers upload, shows the "
    "ward in a browser and makes reports. Recording never depends on it: without one, or while it is "
    "away, all stays on this machine.",
    "service-how": "How to get there: ask the administrator of the service for three things – its address, a one-time "
    "code for this bed (valid for 15 minutes), and its CA file, by which this machine knows that it talks to the right "
    "one. No service yet? Somebody runs hemoview serve on a machine of your network.",
    "service-address": "Address",
    "service-address-example": "https://ward.example:8440",
    "service-code": "One-time code",
    "service-ca": "CA file",
    "service-ca-none": "none: the certificate is a public one",
    "service-ca-before": "the one that is trusted already",
    "service-ca-choose": "Choose…",
    "service-ca-filter": "Certificates (*.pem *.crt *.cer);;All files (*)",
    "service-enrol": "Enrol this bed",
    "service-asking": "Asking {server} …",
    "service-enrolled": "Enrolled. Sessions whose consent covers upload go there by themselves.",
    "service-needs-address": "Type the address of the service.",
    "service-needs-code": "Type the one-time code.",
    "service-at": "{server} · bed {bed}, ward {ward}",
    "service-at-bed": "{server} · bed {bed}",
    "service-of": "{server}",
    "service-state-idle": "Answers, takes everything",
    "service-state-sending": "Sending",
    "service-state-unreachable": "Does not answer; it is tried again by itself, nothing is lost",
    "service-state-refused": "Refuses: nothing is sent, all stays on this machine",
    "service-state-revoked": "This machine was locked out of the service. Recording goes on, all stays here",
    "service-state-other-service": "Another service answers at this address: nothing is sent",
    "service-state-version": "of another version of HemoView: nothing is sent, all is kept here. "
    "Bring both to the same version",
    "service-state-certificate": "Its certificate is not accepted: nothing is sent, all stays on this machine",
    "service-state-starting": "Starting …",
    "service-queue-none": "Nothing to send yet",
    "service-queue-done": "Nothing waits: {total} {total:file is|files are} there, last success {last}",
    "service-again": "Enter a new code…",
    "service-queue": "{waiting} of {total} {total:file|files} {waiting:waits|wait} ({megabytes} MB), last success "
    "{last}",
    "service-queue-first": "{waiting} of {total} {total:file|files} {waiting:waits|wait} ({megabytes} MB)",
    "service-home": "{n} {n:session stays|sessions stay} on this machine: {n:its|their} consent does not cover "
    "upload, or {n:it is|they are} simulated",
    "service-clock-ahead": "This machine's clock is {by} ahead of that of {server}. Times of a session are "
    "this machine's: see which clock is right.",
    "service-clock-behind": "This machine's clock is {by} behind that of {server}. Times of a session are "
    "this machine's: see which clock is right.",
    "service-live-away": (
        "The ward page is not told of this bed now: {server} cannot "
        "be reached. It is tried again by itself; recording goes on."
    ),
    "service-live-broke": (
        "The ward page is not told of this bed now: the link to {server} "
        "broke. It is tried again by itself; recording goes on."
    ),
    "service-live-later": (
        "The ward page is not told of this bed now: {server} is busy "
        "or starting. It is tried again by itself; recording goes on."
    ),
    "service-live-certificate": (
        "The ward page is not told of this bed: the certificate of {server} "
        "is not accepted here. Recording goes on. Tell its administrator."
    ),
    "service-live-refused": (
        "The ward page is not told of this bed: {server} does not let "
        "this machine in. Recording goes on. Tell its administrator."
    ),
    "service-live-garbled": (
        "The ward page does not show this bed: {server} does not understand what this "
        "machine tells. Recording goes on. Bring both to the same version of HemoView."
    ),
    "service-live-unknown": (
        "The ward page does not show this bed: {server} knows this machine "
        "no longer. Recording goes on. Ask its administrator for a new code."
    ),
    "service-live-no-bed": (
        "The ward page does not show this bed: this machine stands at no bed there. "
        "Recording goes on. An administrator of {server} puts it at one, under Devices."
    ),
    "service-live-replaced": (
        "The ward page does not show this bed: another connection of this machine took over. Recording goes "
        "on. Is HemoView running twice, or was this machine copied? Tell the administrator of {server}."
    ),
    "service-live-elsewhere": (
        "The ward page does not show this bed: to {server} this session "
        "is another machine's, or was erased. Recording goes on."
    ),
    "service-live-too-fast": (
        "The ward page is not told of this bed now: too much was told to "
        "{server} at once. It is tried again by itself; recording goes on."
    ),
    "service-live-broker-away": "The ward sees this bed, by the direct way. For the administrator: the "
    "broker of {server} cannot be reached from this machine; is it up, and its port open?",
    "service-live-broker-unknown": "The ward sees this bed, by the direct way. For the administrator: the "
    "certificate of the broker of {server} is not one this machine was told to trust.",
    "service-live-broker-certificate": "The ward sees this bed, by the direct way. For the administrator: "
    "{server} gives this machine no certificate for its broker; its log says why.",
    "service-live-broker-refuses": "The ward sees this bed, by the direct way. For the administrator: the "
    "broker of {server} does not let this machine in; does it trust the service's authority for devices?",
    "service-live-broker-denies": "The ward sees this bed, by the direct way. For the administrator: the "
    "broker of {server} takes nothing of this machine; its access list is not the one it should have.",
    "service-live-broker-nobody": "The ward sees this bed, by the direct way. For the administrator: nobody "
    "listens at the broker of {server}; does the service itself reach it?",
    "service-last-error": "Last error: {error}",
    "service-open-ward": "Open ward",
    "service-open-reports": "Open sessions and reports",
    "service-sign-out": "Sign out…",
    "service-sign-out-sure": "Sign this bed out of {server}? What it holds stays there; what still waits stays here. "
    "To come back you need a new code.",
    "service-sign-out-yes": "Sign out",
    "service-signed-out": "Signed out.",
    "service-feedback": "Messages of the service",
    "service-no-feedback": "No message yet.",
    "service-feedback-line": "{at} · {author}: {text}",
    "service-message-came": "Message of the service, {at}, {author}: {text}",
    "service-message-more": "Unread before this one: {n}, see Service in the menu. {at}, {author}: {text}",
    "service-message-read": "Read",
    "review.fact-feedback": "Messages",
    "service-close": "Close",
}

CHINESE: Final[dict[str, str]] = {
    "menu-service": "服务器（局域网）…",
    "sync-line-waiting": "待上传 {waiting}/{total}",
    "sync-line-no-answer": "服务器无应答：待上传 {waiting}/{total}",
    "sync-line-last": "{server}：待上传 {waiting} / {total} 个文件，上次成功 {last}",
    "sync-line-done": "已同步 {last}",
    "sync-line-nothing": "同步：暂无可上传内容",
    "sync-line-away": "服务器 {server} 没有应答",
    "sync-line-refused": "同步已停止：请看“服务器”",
    "sync-line-certificate": "服务器证书剩 {days} 天",
    "sync-line-certificate-whole": "服务器 {server} 的证书还有 {days} 天到期，到期后将无法上传。"
    "请通知服务器管理员更新证书。记录不受影响，数据不会丢失。",
    "service-title": "服务器",
    "service-explained": "院内服务器保存知情同意允许上传的记录副本，在浏览器中显示整个病区，并生成报告。"
    "记录从不依赖它：没有服务器或服务器中断时，数据都保存在本机。",
    "service-how": "如何接入：请向服务器管理员索取三样东西——服务器地址、本床位的一次性代码（15 分钟内有效）、"
    "以及 CA 证书文件（本机据此确认对方身份）。还没有服务器？请在院内一台电脑上运行 hemoview serve。",
    "service-address": "地址",
    "service-address-example": "https://ward.example:8440",
    "service-code": "一次性代码",
    "service-ca": "CA 证书文件",
    "service-ca-none": "无：使用公共证书",
    "service-ca-before": "沿用已信任的证书",
    "service-ca-choose": "选择…",
    "service-ca-filter": "证书 (*.pem *.crt *.cer);;所有文件 (*)",
    "service-enrol": "登记本床位",
    "service-asking": "正在联系 {server} …",
    "service-enrolled": "已登记。知情同意允许上传的记录会自动传到那里。",
    "service-needs-address": "请输入服务器地址。",
    "service-needs-code": "请输入一次性代码。",
    "service-at": "{server} · {ward} 病区 {bed} 床",
    "service-at-bed": "{server} · {bed} 床",
    "service-of": "{server}",
    "service-state-idle": "连接正常，全部已接收",
    "service-state-sending": "正在上传",
    "service-state-unreachable": "没有应答；会自动重试，数据不会丢失",
    "service-state-refused": "拒绝接收：没有发送，数据都保存在本机",
    "service-state-revoked": "本机已被服务器停用。记录照常进行，数据都保存在本机",
    "service-state-other-service": "此地址上是另一台服务器：没有发送任何数据",
    "service-state-version": "HemoView 版本不同：没有发送，数据都保存在本机。请把两边更新到同一版本",
    "service-state-certificate": "其证书未被接受：没有发送，数据都保存在本机",
    "service-state-starting": "正在启动 …",
    "service-queue-none": "暂无可上传内容",
    "service-queue-done": "全部 {total} 个文件已上传，上次成功 {last}",
    "service-again": "输入新代码…",
    "service-queue": "待上传 {waiting} / {total} 个文件（{megabytes} MB），上次成功 {last}",
    "service-queue-first": "待上传 {waiting} / {total} 个文件（{megabytes} MB）",
    "service-home": "{n} 次记录留在本机：知情同意不含上传，或为模拟数据",
    "service-clock-ahead": "本机时钟比 {server} 快 {by}。记录中的时间以本机为准，请核对哪个时钟正确。",
    "service-clock-behind": "本机时钟比 {server} 慢 {by}。记录中的时间以本机为准，请核对哪个时钟正确。",
    "service-live-away": "病区页面目前收不到本床的画面：连不上 {server}。会自动重试，记录照常进行。",
    "service-live-broke": "病区页面目前收不到本床的画面：与 {server} 的连接中断。会自动重试，记录照常进行。",
    "service-live-later": "病区页面目前收不到本床的画面：{server} 正忙或正在启动。会自动重试，记录照常进行。",
    "service-live-certificate": (
        "病区页面收不到本床的画面：{server} 的证书未被本机接受。记录照常进行。请告知其管理员。"
    ),
    "service-live-refused": "病区页面收不到本床的画面：{server} 不让本机接入。记录照常进行。请告知其管理员。",
    "service-live-garbled": (
        "病区页面不显示本床：{server} 看不懂本机发送的内容。记录照常进行。请把两边的 HemoView 更新到同一版本。"
    ),
    "service-live-unknown": "病区页面不显示本床：{server} 已不认识本机。记录照常进行。请向其管理员索取新的代码。",
    "service-live-no-bed": (
        "病区页面不显示本床：本机在那里没有分配床位。记录照常进行。请 {server} "
        "的管理员在“设备”中为它分配床位。"
    ),
    "service-live-replaced": (
        "病区页面不显示本床：本机的另一个连接已接替。记录照常进行。HemoView 是否开了两份，"
        "或本机被复制过？请告知 {server} 的管理员。"
    ),
    "service-live-elsewhere": "病区页面不显示本床：在 {server} 上，这次记录属于另一台机器或已被删除。记录照常进行。",
    "service-live-too-fast": "病区页面目前收不到本床的画面：一次发给 {server} 的内容过多。会自动重试，记录照常进行。",
    "service-live-broker-away": "病区页面已改由直连显示本床，不受影响。"
    "请转告管理员：本机连不上 {server} 的消息代理，它是否在运行，端口是否开放？",
    "service-live-broker-unknown": "病区页面已改由直连显示本床，不受影响。"
    "请转告管理员：{server} 的消息代理所用证书不在本机信任之列。",
    "service-live-broker-certificate": "病区页面已改由直连显示本床，不受影响。"
    "请转告管理员：{server} 没有给本机签发消息代理证书，原因见其日志。",
    "service-live-broker-refuses": "病区页面已改由直连显示本床，不受影响。"
    "请转告管理员：{server} 的消息代理不让本机接入，它是否信任服务器的设备证书颁发机构？",
    "service-live-broker-denies": "病区页面已改由直连显示本床，不受影响。"
    "请转告管理员：{server} 的消息代理不接收本机的消息，其访问控制列表有误。",
    "service-live-broker-nobody": "病区页面已改由直连显示本床，不受影响。"
    "请转告管理员：{server} 的消息代理上无人接收，服务器自身能否连上它？",
    "service-last-error": "最近的错误：{error}",
    "service-open-ward": "打开病区",
    "service-open-reports": "打开记录与报告",
    "service-sign-out": "退出登记…",
    "service-sign-out-sure": "要让本床位退出 {server} 吗？已在那里的数据保留，未上传的留在本机。"
    "再次接入需要新的代码。",
    "service-sign-out-yes": "退出登记",
    "service-signed-out": "已退出。",
    "service-feedback": "服务器消息",
    "service-no-feedback": "还没有消息。",
    "service-feedback-line": "{at} · {author}：{text}",
    "service-message-came": "服务器消息，{at}，{author}：{text}",
    "service-message-more": "此前还有 {n} 条未读，请看菜单中的“服务器”。{at}，{author}：{text}",
    "service-message-read": "已读",
    "review.fact-feedback": "消息",
    "service-close": "关闭",
}
