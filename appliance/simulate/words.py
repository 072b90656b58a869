"""What would become of a call, in words: Chinese, and English beside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from appliance.domain.admission import Rule, Step, Verdict
from appliance.domain.calendar import SHANGHAI
from appliance.domain.flow import (
    Assign,
    Collect,
    Enqueue,
    HangUp,
    Hours,
    Menu,
    Play,
    Region,
    Return,
    Ring,
    Say,
    Service,
    Subflow,
    Survey,
    Switch,
    Vip,
)
from appliance.domain.hunt import Choice, Skip
from appliance.domain.money import yuan
from appliance.domain.pricing import Assessment, ChargeBy, Unratable
from appliance.domain.pricing import Refusal as Unrated
from appliance.domain.refusal import Refusal
from appliance.domain.walk import Left, Visit, Walk
from appliance.simulate.route import Answer


class Words(NamedTuple):
    """One statement in both languages; ``level`` is how far it stands in."""

    zh: str
    en: str
    level: int = 0


_RULES = {
    Rule.TRUNK: ("中继", "trunk"),
    Rule.NUMBER: ("号码", "number"),
    Rule.CONCURRENCY: ("并发", "calls at once"),
    Rule.CALL_RATE: ("每分钟呼叫", "calls per minute"),
    Rule.BLACK_LIST: ("黑名单", "black list"),
    Rule.WHITE_LIST: ("白名单", "white list"),
    Rule.FREQUENCY: ("主叫频次", "calls of the caller"),
    Rule.BALANCE: ("余额", "balance"),
    Rule.PASSWORD: ("接入密码", "password"),
    Rule.HOLIDAY: ("节假日", "holiday"),
    Rule.SCHEDULE: ("时间表", "schedule"),
    Rule.REGION: ("地区", "region"),
    Rule.DEFAULT: ("默认", "default"),
}
_VERDICTS = {
    Verdict.PASSED: ("通过", "passed"),
    Verdict.NONE: ("无此规则", "no such rule"),
    Verdict.NOT_CONCERNED: ("不适用", "does not concern this caller"),
    Verdict.LISTED: ("在名单中，免检频次、密码和时间", "on it: skips frequency, password and hours"),
    Verdict.SKIPPED: ("白名单免检", "skipped: white list"),
    Verdict.ASKS: ("要求输入密码", "asks for a password"),
    Verdict.REFUSED: ("拒绝", "refused"),
}
REFUSALS = {
    Refusal.UNKNOWN_TRUNK: ("来源不是任何中继", "comes from no trunk"),
    Refusal.UNKNOWN_NUMBER: ("空号", "not a number of this box"),
    Refusal.OUT_OF_SERVICE: ("号码已停用", "number out of service"),
    Refusal.TRUNK_FULL: ("中继已满", "trunk full"),
    Refusal.ACCOUNT_FULL: ("企业并发已满", "account full"),
    Refusal.NUMBER_FULL: ("号码并发已满", "number full"),
    Refusal.CALL_RATE: ("每分钟呼叫过多", "too many calls a minute"),
    Refusal.BLACK_LISTED: ("在黑名单中", "black-listed"),
    Refusal.TOO_FREQUENT: ("主叫呼叫过于频繁", "caller calls too often"),
    Refusal.SUSPENDED: ("企业账户已停用", "account suspended"),
    Refusal.NO_CREDIT: ("余额不足", "no money left"),
    Refusal.DAILY_CAP: ("当日消费已达上限", "the day's money is used up"),
    Refusal.WRONG_PASSWORD: ("密码错误", "wrong password"),
    Refusal.HOLIDAY: ("节假日", "holiday"),
    Refusal.OUT_OF_HOURS: ("非工作时间", "out of hours"),
    Refusal.REGION: ("地区不受理", "region not served"),
}
_SKIPS = {
    Skip.GONE: ("不存在", "is not there"),
    Skip.NO_TRUNK: ("没有可用中继", "has no trunk to it"),
    Skip.UNREGISTERED: ("话机未注册", "is not registered"),
    Skip.OFF_SCHEDULE: ("不在其时间表内", "off its schedule"),
    Skip.DAILY_CAP: ("当日次数已满", "its day's calls are used up"),
    Skip.MONTHLY_CAP: ("当月次数已满", "its month's calls are used up"),
    Skip.SIGNED_OUT: ("无人签入", "nobody is signed in at it"),
    Skip.NO_SKILL: ("没有所需技能", "has not the skill"),
    Skip.BUSY: ("忙", "busy"),
}
_KINDS = {"mobile": "手机", "fixed": "固话", "overseas": "境外", "unknown": "未知"}
_LEFT = {
    Left.JOINED: ("接通线路", "a line answers"),
    Left.HUNG_UP: ("挂断", "hung up"),
    Left.ASKED: ("等待按键（--keys）", "waits for a key (--keys)"),
    Left.NO_LINE: ("无线路可用，播放 all-lines-busy 后挂断", "no line: plays all-lines-busy and hangs up"),
    Left.QUEUED: ("在队列中等待", "waits in the queue"),
    Left.CALLBACK: ("登记回拨后挂断", "asks to be called back, and hangs up"),
    Left.ENDLESS: ("循环", "goes round"),
}


def in_words(answer: Answer) -> Iterator[Words]:
    """The call, the trail, what comes of it, and the price."""
    yield _call(answer)
    for step in answer.trail:
        yield _step(step)
    yield from _outcome(answer)
    if answer.price is not None:
        yield _price(answer.price)


def _call(answer: Answer) -> Words:
    at = answer.question.at.astimezone(SHANGHAI)
    kind = answer.caller.kind.value
    number = answer.caller.number or answer.question.caller
    place = str(answer.place) if answer.place else ""
    days = "一二三四五六日"[at.weekday()]
    about = "，".join(dict.fromkeys(filter(None, [_KINDS[kind], place])))
    return Words(
        f"{number}（{about}）拨打 {answer.question.number}，{at:%Y-%m-%d %H:%M:%S} 星期{days}",
        f"{number} ({', '.join(filter(None, [kind, place]))}) calls {answer.question.number}, "
        f"{at:%a %Y-%m-%d %H:%M:%S} (Asia/Shanghai)",
    )


def _step(step: Step) -> Words:
    (rule_zh, rule_en), (said_zh, said_en) = _RULES[step.rule], _VERDICTS[step.verdict]
    by = " ".join(f"{name}={value}" for name, value in step.values.items() if value)
    tail = f"  {by}" if by else ""
    return Words(f"{rule_zh}：{said_zh}{tail}", f"{rule_en}: {said_en}{tail}", 1)


def _outcome(answer: Answer) -> Iterator[Words]:
    refused = answer.refused
    if refused is not None:
        zh, en = REFUSALS[refused.reason]
        yield Words(f"结果：拒绝，{zh}（{refused.reason}）", f"refused: {en} ({refused.reason})")
        if answer.flow is None:
            yield _announcement(answer)
            return
    else:
        yield Words("结果：受理", "taken")
    if answer.direct is not None:
        yield from _lines(answer.direct, 1)
        if not answer.direct.rounds and answer.flow is None:
            yield Words("无线路可用，挂断", "no line: hung up", 1)
    if answer.flow is not None and answer.walk is not None:
        yield Words(f"流程：{answer.flow.label}", f"flow: {answer.flow.label}")
        yield from _walk(answer.walk)


def _announcement(answer: Answer) -> Words:
    if not answer.prompt:
        return Words("不播放提示，挂断", "hung up without an announcement", 1)
    free = ("应答后播放（计费）", "answered, then") if answer.answered else ("应答前播放（免费）", "unanswered,")
    return Words(f"{free[0]} {answer.prompt}，挂断", f"{free[1]} plays {answer.prompt} and hangs up", 1)


def _lines(choice: Choice, level: int) -> Iterator[Words]:
    if choice.rounds:
        order = " → ".join("+".join(line.id for line in lines) for lines in choice.rounds)
        yield Words(f"振铃：{order}", f"rings: {order}", level)
    for line, why in choice.skipped.items():
        zh, en = _SKIPS[why]
        yield Words(f"跳过 {line}：{zh}", f"passes over {line}: {en}", level)


def _walk(walk: Walk) -> Iterator[Words]:
    for visit in walk.visits:
        yield from _visit(visit)
    yield Words(*_LEFT[walk.left], 1)


def _visit(visit: Visit) -> Iterator[Words]:
    node, at = visit.node, visit.node_id
    keys = ", ".join(key or "-" for key in visit.keys) or "-"
    match node:
        case Play():
            yield Words(f"{at}：播放 {node.prompt}", f"{at}: plays {node.prompt}", 1)
        case Menu():
            yield Words(f"{at}：菜单 {node.prompt}，按键 {keys}", f"{at}: menu {node.prompt}, keys {keys}", 1)
        case Collect():
            hidden = ", ".join("*" * len(key) or "-" for key in visit.keys) if node.secret else keys
            yield Words(
                f"{at}：收号 {node.prompt}，按键 {hidden}", f"{at}: collects after {node.prompt}, keys {hidden}", 1
            )
        case Survey():
            yield Words(f"{at}：满意度 {node.prompt}，按键 {keys}", f"{at}: survey {node.prompt}, keys {keys}", 1)
        case Say():
            yield Words(f"{at}：播报 {visit.said or node.what}", f"{at}: says {visit.said or node.what}", 1)
        case Assign():
            what = f"{node.variable} = {visit.said!r}"
            yield Words(f"{at}：{what}", f"{at}: {what}", 1)
        case Hours() | Region() | Vip() | Switch():
            yield Words(f"{at}：判断 → {visit.exit}", f"{at}: decides → {visit.exit}", 1)
        case Ring():
            yield Words(f"{at}：", f"{at}:", 1)
        case Service():
            yield Words(f"{at}：服务菜单 → {visit.exit}", f"{at}: service menu → {visit.exit}", 1)
        case Enqueue():
            yield Words(f"{at}：队列 {node.queue}", f"{at}: queue {node.queue}", 1)
        case Subflow():
            yield Words(f"{at}：进入流程 {node.flow}", f"{at}: enters flow {node.flow}", 1)
        case Return():
            yield Words(f"{at}：返回", f"{at}: returns", 1)
        case HangUp():
            yield Words(f"{at}：播放 {node.prompt or '-'}", f"{at}: plays {node.prompt or '-'}", 1)
    if visit.choice is not None:
        yield from _lines(visit.choice, 2)


def _price(price: Assessment | Unratable) -> Words:
    if isinstance(price, Unratable):
        zh = "没有套餐" if price.reason is Unrated.NO_SUBSCRIPTION else "套餐没有适用的价格"
        en = "no plan" if price.reason is Unrated.NO_SUBSCRIPTION else "the plan has no price for it"
        return Words(f"价格：{zh}", f"price: {en}")
    found, plan = price.price, price.plan
    assert found is not None  # noqa: S101 - an answered call of a minute has one
    if plan.charge_by is ChargeBy.TIME:
        zh, en = f"每分钟 {yuan(found.per_minute)} 元", f"{yuan(found.per_minute)} yuan a minute"
    else:
        zh, en = f"每次 {yuan(found.per_call)} 元", f"{yuan(found.per_call)} yuan a call"
    fee = yuan(found.connect_fee)
    return Words(
        f"价格：套餐 {plan.name}（{plan.code}），{zh}，接通费 {fee} 元",
        f"price: plan {plan.code} ({plan.name}), {en}, connect fee {fee} yuan",
    )
