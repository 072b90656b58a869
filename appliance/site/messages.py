"""What findings say, in English and in Chinese, by code. Texts are templates over a finding's values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Language = Literal["en", "zh"]

MESSAGES: Mapping[str, tuple[str, str]] = {
    # The file
    "file.unreadable": ("cannot be read: {why}", "无法读取：{why}"),
    "file.too-large": ("larger than {limit} bytes", "大于 {limit} 字节"),
    "file.not-utf8": ("is not UTF-8 text", "不是 UTF-8 文本"),
    "file.empty": ("the file is empty", "文件为空"),
    "yaml.syntax": ("is not YAML: {why}", "不是有效的 YAML：{why}"),
    "yaml.deep": ("is nested too deeply", "嵌套过深"),
    "yaml.duplicate-key": ("stands here a second time", "重复出现"),
    "yaml.alias": ("an alias may not stand here; write it out", "此处不能使用别名，请完整写出"),
    "yaml.tag": ("the tag {tag} may not stand here", "此处不能使用标签 {tag}"),
    "yaml.key": ("a field's name must be a text", "字段名必须是文本"),
    # Form
    "required": ("is required", "必填"),
    "unknown-field": ("unknown field", "未知字段"),
    "must-be-mapping": ("must be a mapping of fields", "必须是字段映射"),
    "must-be-list": ("must be a list", "必须是列表"),
    "too-few": ("needs at least {min_length}", "至少需要 {min_length} 项"),
    "must-be-text": ("must be a text", "必须是文本"),
    "too-long": ("longer than {limit} characters", "超过 {limit} 个字符"),
    "control-character": ("holds a control character", "含有控制字符"),
    "not-an-id": (
        "not an id (letters, digits, . _ -, at most {limit}, a letter or digit first): {value}",
        "不是合法标识（字母、数字、. _ -，最多 {limit} 个，首位为字母或数字）：{value}",
    ),
    "not-a-prompt-name": (
        "not a prompt's name (small letters, digits, -, at most 60): {value}",
        "不是合法的语音名称（小写字母、数字、-，最多 60 个）：{value}",
    ),
    "not-a-record-policy": (
        "must be off, all or share:N (N from 1 to 99): {value}",
        "必须是 off、all 或 share:N（N 为 1 到 99）：{value}",
    ),
    "must-be-flag": ("must be true or false", "必须是 true 或 false"),
    "must-be-whole": ("must be a whole number from {low} to {high}", "必须是 {low} 到 {high} 的整数"),
    "must-be-one-of": ("must be one of {choices}", "必须是以下之一：{choices}"),
    "not-an-amount": (
        "not an amount in yuan (digits, at most six decimals): {value}",
        "不是金额（元，数字，最多六位小数）：{value}",
    ),
    "price-too-high": (
        "more than a price may be, {most} yuan: {value}",
        "超过价格上限 {most} 元：{value}",
    ),
    "not-a-time": (
        "not a time (YYYY-MM-DDThh:mm:ss and Z or an offset like +08:00): {value}",
        "不是时间（YYYY-MM-DDThh:mm:ss，并带 Z 或 +08:00 这样的时差）：{value}",
    ),
    "not-a-400-number": (
        "not a 400 number (400 and seven digits): {value}",
        "不是 400 号码（400 加七位数字）：{value}",
    ),
    "not-dialable": ("not a number that can be dialled: {value}", "不是可拨打的号码：{value}"),
    "line-is-400": (
        "a line may not be a 400 number (the call would come back): {value}",
        "绑定线路不能是 400 号码（呼叫会回到自身）：{value}",
    ),
    "caller-is-400": (
        "a 400 number may not be shown as the caller: {value}",
        "400 号码不能作为主叫号码：{value}",
    ),
    "not-a-source": (
        "not an address, a network (10.0.0.0/8) or ADDRESS:PORT: {value}",
        "不是地址、网段（10.0.0.0/8）或 地址:端口：{value}",
    ),
    "not-a-peer": ("not HOST:PORT: {value}", "不是 主机:端口：{value}"),
    "not-a-hash": ("not an argon2id hash ($argon2id$...)", "不是 argon2id 哈希（$argon2id$…）"),
    "not-hours": (
        "not hours (HH:MM-HH:MM, 00:00 to 24:00): {value}",
        "不是时段（HH:MM-HH:MM，00:00 到 24:00）：{value}",
    ),
    "not-a-date": ("not a date (YYYY-MM-DD): {value}", "不是日期（YYYY-MM-DD）：{value}"),
    "not-a-weekday": (
        "not a weekday (mon, tue, wed, thu, fri, sat, sun, or mon-fri): {value}",
        "不是星期（mon、tue、wed、thu、fri、sat、sun，或 mon-fri）：{value}",
    ),
    "not-a-list-entry": (
        "not a number, a prefix (138*), an area code, a mobile segment, withheld, overseas or virtual: {value}",
        "不是号码、前缀（138*）、区号、手机号段、withheld、overseas 或 virtual：{value}",
    ),
    "not-an-access-code": ("must be four to six digits", "必须是四到六位数字"),
    "not-a-cause": (
        "not a SIP status (480), a cause by FreeSWITCH's name (SUBSCRIBER_ABSENT) or of Q.850 (q850:20): {value}",
        "不是 SIP 状态码（480）、FreeSWITCH 原因名（SUBSCRIBER_ABSENT）或 Q.850 原因值（q850:20）：{value}",
    ),
    "not-an-extension": (
        "not an extension (two to eight digits): {value}",
        "不是分机号（两到八位数字）：{value}",
    ),
    "not-one-digit": ("not one digit (0 to 9): {value}", "不是恰好一位数字（0 到 9）：{value}"),
    "not-a-digit": ("not a digit (0 to 9): {value}", "不是一位数字（0 到 9）：{value}"),
    "not-a-sip-word": (
        "not a SIP user or realm (letters, digits, + . _ @ -): {value}",
        "不是合法的 SIP 用户名或域（字母、数字、+ . _ @ -）：{value}",
    ),
    "not-a-secret-file": ("not an absolute path: {value}", "不是绝对路径：{value}"),
    "not-an-env-name": (
        "not the name of an environment variable (capitals, digits, _; not APPLIANCE_...): {value}",
        "不是环境变量名（大写字母、数字、_；不能以 APPLIANCE_ 开头）：{value}",
    ),
    "must-be-zero-or": ("must be 0, or {low} to {high} seconds", "必须是 0，或 {low} 到 {high} 秒"),
    "not-a-place": (
        "not a place (a province, a city, or PROVINCE/CITY): {value}",
        "不是地区（省、市，或 省/市）：{value}",
    ),
    "not-a-region-prefix": (
        "not an area code or the first digits of a mobile number: {value}",
        "不是区号或手机号段：{value}",
    ),
    "not-a-url-scheme": ("must begin with http:// or https://", "必须以 http:// 或 https:// 开头"),
    "not-a-url-host": (
        "no host that can be asked stands there (a place may stand behind the host only): {value}",
        "不是可以访问的主机（占位符只能出现在主机之后）：{value}",
    ),
    "not-a-url-password": (
        "no user or password may stand before the host: {value}",
        "主机前不能写用户名或密码：{value}",
    ),
    "not-a-url-character": (
        "blanks and characters beyond ASCII have to be percent-encoded: {value}",
        "空格和非 ASCII 字符必须用百分号编码：{value}",
    ),
    "not-a-file": ("not the whole path of a file (/...): {value}", "不是文件的完整路径（/…）：{value}"),
    "not-a-header": (
        "not the name of a header, or one that HTTP itself sets: {value}",
        "不是合法的请求头名称，或由 HTTP 自行设置：{value}",
    ),
    "invalid": ("{why}", "{why}"),
    # Between the parts
    "duplicate": ("{value} is there already, in line {line}", "{value} 已在第 {line} 行出现"),
    "unknown-account": ("there is no account {value}", "没有企业 {value}"),
    "unknown-trunk": ("there is no trunk {value}", "没有中继 {value}"),
    "unknown-line": ("there is no line {value}", "没有线路 {value}"),
    "unknown-queue": ("there is no queue {value}", "没有队列 {value}"),
    "queue-of-another": (
        "the queue {value} belongs to the account {owner}, not to {account}",
        "队列 {value} 属于企业 {owner}，不属于 {account}",
    ),
    "queue-without-skill": (
        "no line of the queue {queue} has the skill {value}: nobody could ever serve the caller",
        "队列 {queue} 没有具备技能 {value} 的线路：主叫永远无人接听",
    ),
    "callback-key-taken": (
        "the queue {queue} calls back by the key {value}, which this node leads elsewhere",
        "队列 {queue} 以按键 {value} 登记回拨，而此节点的该按键另有去向",
    ),
    "callback-key-of-flow": (
        "the stored flow {flow} leads callers of the queue {queue} elsewhere by the key {value} (node {node})",
        "已存储的流程 {flow} 中，队列 {queue} 的按键 {value} 另有去向（节点 {node}）",
    ),
    "callback-without-trunk": (
        "no trunk has both proxy and caller_number: nobody could be called back",
        "没有任何中继同时填写 proxy 和 caller_number：无法回拨主叫",
    ),
    "credit-of-prepaid": (
        "who pays in advance has no credit_limit: leave it out, or write mode: postpaid",
        "预付费账户没有信用额度：请去掉 credit_limit，或改为 mode: postpaid",
    ),
    "answered-without-money": (
        "{value}: nobody is answered for want of money; only a prompt may stand here",
        "{value}：欠费时不应答来电，此处只能写 prompt",
    ),
    "unknown-hook": ("there is no hook {value}", "没有消息推送 {value}"),
    "hook-of-another": (
        "the hook {value} belongs to the account {owner}, not to {account}",
        "消息推送 {value} 属于企业 {owner}，不属于 {account}",
    ),
    "hook-without-token": (
        "the robot's address has no {where}; paste it as the group chat shows it, or write {{token}} there",
        "机器人地址中没有 {where}；请粘贴群聊中显示的地址，或在该处写 {{token}}",
    ),
    "hook-field-useless": (
        "means nothing for a hook of the kind {kind}",
        "对 {kind} 类型的消息推送没有意义",
    ),
    "hook-secret-twice": ("stands in the file {file} already", "已由文件 {file} 提供"),
    "hook-without-text": (
        "no field and no part of the address holds {{text}}: nothing of a message would be sent",
        "字段和地址中都没有 {{text}}：不会发送任何消息内容",
    ),
    "hook-unknown-placeholder": (
        "there is nothing called {value}; there are {choices}",
        "没有名为 {value} 的内容；可用：{choices}",
    ),
    "unknown-flow": ("the account {account} has no flow {value}", "企业 {account} 没有流程 {value}"),
    "flow-ring": (
        "the flow {value} would be entered again from within itself",
        "流程 {value} 会从自身内部再次进入自己",
    ),
    "trunk-twice": ("names the trunk {value} twice", "中继 {value} 重复"),
    "unknown-schedule": ("there is no schedule {value}", "没有时间表 {value}"),
    "schedule-of-another": (
        "the schedule {value} belongs to the account {owner}, not to {account}",
        "时间表 {value} 属于企业 {owner}，不属于 {account}",
    ),
    "unknown-list": ("there is no list {value}", "没有名单 {value}"),
    "list-of-another": (
        "the list {value} belongs to the account {owner}, not to {account}",
        "名单 {value} 属于企业 {owner}，不属于 {account}",
    ),
    "unknown-place": ("there is no place called {value}", "没有名为 {value} 的地区"),
    "overflow-of-flow": (
        "a number with a flow has no overflow: the flow's own exits say where calls go",
        "有 flow 的号码没有 overflow：去向由流程的出口决定",
    ),
    "prompt-and-flow": ("a refusal has a prompt or a flow, not both", "拒绝处理只能有 prompt 或 flow 之一"),
    "unknown-number": ("there is no number {value}", "没有号码 {value}"),
    "unknown-plan": ("there is no plan {value}", "没有套餐 {value}"),
    "line-of-another": (
        "the line {value} belongs to the account {owner}, not to {account}",
        "线路 {value} 属于企业 {owner}，不属于 {account}",
    ),
    "line-twice": ("names the line {value} twice", "线路 {value} 重复"),
    "line-is-landing": (
        "{value} lands on {number} here (trunk {trunk}): the call would come back",
        "{value} 是 {number} 的落地号（中继 {trunk}），呼叫会回到自身",
    ),
    "trunk-without-proxy": (
        "the trunk {value} has no proxy, so no call can be sent to this line",
        "中继 {value} 没有 proxy，无法向该线路呼出",
    ),
    "not-a-mobile": ("{value} is no mobile number", "{value} 不是手机号码"),
    "is-a-mobile": ("{value} is a mobile number; write kind: mobile", "{value} 是手机号码，请写 kind: mobile"),
    "trunk-useless": ("a trunk needs accept, proxy or both", "中继至少需要 accept 或 proxy"),
    "trunk-needs-caller": (
        "is required: with this caller_id the lines see it",
        "必填：按此 caller_id，线路显示此号码",
    ),
    "registration-needs-proxy": (
        "a trunk that registers needs a proxy: the registrar's HOST:PORT",
        "注册型中继需要 proxy：注册服务器的 主机:端口",
    ),
    "registration-password": (
        "the password comes from password_file or from password_env: one of them, not both",
        "密码来自 password_file 或 password_env，二者择一",
    ),
    "registration-needs-accept": (
        "{value} is a name: write in accept the addresses that this carrier's calls come from",
        "{value} 是主机名：请在 accept 中写明该运营商来话的地址",
    ),
    "not-for-a-phone": (
        "a SIP phone has none: it is reached where it registered",
        "SIP 话机没有此项：按其注册地址呼叫",
    ),
    "key-twice": ("the key {value} is taken by {other} already", "按键 {value} 已用于 {other}"),
    "needs-freeswitch": (
        "{what} needs FreeSWITCH; the embedded switch has none of it",
        "{what} 需要 FreeSWITCH，内置交换不支持",
    ),
    "local-needs-area": (
        "number_format local leaves out the area code of caller_number: it must be a landline's",
        "number_format local 省略 caller_number 的区号：主叫号码须为固定电话",
    ),
    "landing-twice": (
        "{value} is mapped to {other} already, in line {line}",
        "{value} 已在第 {line} 行映射到 {other}",
    ),
    "number-both": ("a number has a flow or lines, not both", "号码只能有 flow 或 lines 之一"),
    "number-neither": (
        "a number in service needs a flow or lines",
        "在用号码需要 flow 或 lines",
    ),
    "prompt-missing": (
        "there is no prompt {value}: neither the account {account} nor the default set has {value}.wav",
        "没有语音 {value}：企业 {account} 和默认语音中均无 {value}.wav",
    ),
    "prompt-unreadable": (
        "the prompt is no WAV file that can be played: {value}",
        "语音不是可以播放的 WAV 文件：{value}",
    ),
    "not-a-node-name": (
        "not a node's name (letters, digits, . _ -, at most {limit}): {value}",
        "不是合法的节点名（字母、数字、. _ -，最多 {limit} 个）：{value}",
    ),
    # Prices
    "price-twice": (
        "a price for {caller} from this moment on is there already, in line {line}",
        "第 {line} 行已有同一主叫类型、同一生效时间的价格（{caller}）",
    ),
    "ends-before-start": ("ends before or at its start", "结束不晚于开始"),
    "subscriptions-overlap": (
        "overlaps the subscription that begins at {value}, in line {line}",
        "与第 {line} 行自 {value} 起的订购重叠",
    ),
    "cost-twice": (
        "what the trunk {value} takes for {what} from this moment on is there already, in line {line}",
        "第 {line} 行已有中继 {value} 同一线路类型（{what}）、同一生效时间的成本",
    ),
    "cost-without-proxy": (
        "the trunk {value} has no proxy: no call goes out by it, so none costs anything",
        "中继 {value} 没有 proxy：不经它呼出，不产生成本",
    ),
    # Against what is stored
    "cost-published": (
        "a published cost is never edited: {what}; add a cost with a later effective_from",
        "已发布的成本不可修改：{what}；请新增生效时间更晚的成本",
    ),
    "price-published": (
        "a published price is never edited: {what}; add a price with a later effective_from",
        "已发布的价格不可修改：{what}；请新增生效时间更晚的价格",
    ),
    "plan-charged": (
        "calls were charged by this plan, so {what} stays; add another plan",
        "已有通话按此套餐计费，{what} 不可修改；请新增套餐",
    ),
    "subscription-charged": (
        "calls were charged by the plan {value}; end this subscription and begin another",
        "已有通话按套餐 {value} 计费；请结束此订购并新增订购",
    ),
    "stored-overlap": (
        "overlaps the stored subscription to {plan} from {value} on; name it here with its end, or use --prune",
        "与已存的自 {value} 起的套餐 {plan} 订购重叠；请在此写明其结束时间，或使用 --prune",
    ),
    "stored-landing": (
        "{value} is mapped to {other} by the stored trunk {trunk}; name that trunk here, or use --prune",
        "{value} 已由已存中继 {trunk} 映射到 {other}；请在此写明该中继，或使用 --prune",
    ),
}


def render(code: str, values: Mapping[str, object], language: Language = "en") -> str:
    """The text of ``code`` with ``values`` put in."""
    english, chinese = MESSAGES[code]
    return (chinese if language == "zh" else english).format(**values)
