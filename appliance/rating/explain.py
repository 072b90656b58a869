"""Why a call costs what it costs, in words: Chinese, and English below it."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy.orm import Session

from appliance.domain.grants import SHANGHAI
from appliance.domain.money import yuan
from appliance.domain.pricing import (
    Assessment,
    ChargeBy,
    Meter,
    Plan,
    Price,
    Refusal,
    Unratable,
    assess,
    settle,
)
from appliance.errors import RatingError
from appliance.store import charges
from appliance.store.charges import ABNORMAL, WAIVE
from appliance.store.models import Call, Charge
from appliance.store.plans import load_book

_KINDS = {"any": "任意", "mobile": "手机", "fixed": "固话", "overseas": "境外", "unknown": "未知"}
_REFUSALS = {
    Refusal.NO_SUBSCRIPTION: ("该号码在通话时没有套餐", "no plan was subscribed to for this number at that time"),
    Refusal.NO_PRICE: ("套餐在通话时没有适用的价格", "the plan had no price for this caller at that time"),
}


class Words(NamedTuple):
    """One statement in both languages."""

    zh: str
    en: str


def explain(session: Session, uuid: str) -> list[Words]:
    """The charge of a stored call, step by step.

    :raises RatingError: no call of that UUID is stored.
    """
    found = charges.find(session, uuid)
    if found is None:
        raise RatingError(f"no such call: {uuid}")
    call, charge = found
    words = [_call(call)]
    if call.settled == WAIVE:
        return [*words, Words("经核定免收", "waived by a person (appliance cdr show)")]
    if call.outcome == ABNORMAL and not call.settled:
        return [*words, Words("异常结束的通话，人工核对后才计费", "closed as abnormal: charged only after a check")]
    assessed = assess(charges.metered(call), load_book(session, {call.number}))
    if isinstance(assessed, Unratable):
        zh, en = _REFUSALS[assessed.reason]
        words.append(Words(f"无法计费：{zh}", f"not rated: {en}"))
    else:
        words += _assessed(call, assessed)
    words += _charged(charge, assessed)
    return words


def _call(call: Call) -> Words:
    at = (call.answered_at or call.started_at).astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")
    kind, zh, en = call.caller_kind, "应答", "answered"
    if call.answered_at is None:
        zh, en = "呼入", "begun"
    return Words(
        f"{call.number} 的来电，主叫类型：{_KINDS.get(kind, kind)}，{zh}于 {at}（北京时间）",
        f"call to {call.number} from a caller of kind {kind}, {en} {at} (Asia/Shanghai)",
    )


def _assessed(call: Call, assessed: Assessment) -> list[Words]:
    plan, price = assessed.plan, assessed.price
    by_answer = plan.meter is Meter.ANSWER
    zh, en = ("网关应答", "the gateway’s answer") if by_answer else ("线路应答", "a line’s answer")
    words = [
        Words(f"套餐：{plan.name}（{plan.code}），从{zh}起计", f"plan {plan.code} ({plan.name}), metered from {en}")
    ]
    if price is None:
        return [*words, Words("未接通，不收费", "not answered: nothing is charged")]
    ms, seconds = call.bill_ms if by_answer else call.bridged_ms, assessed.metered_seconds
    words.append(Words(f"计量 {ms} 毫秒，向上取整为 {seconds} 秒", f"{ms} ms, rounded up to {seconds} seconds"))
    words.append(_price(plan, price))
    if assessed.units == 0:
        free = price.free_seconds
        words.append(Words(f"不超过免费的 {free} 秒", f"not more than the {free} free seconds"))
    elif plan.charge_by is ChargeBy.TIME:
        first, step = price.initial_seconds, price.step_seconds
        words.append(
            Words(
                f"首段 {first} 秒，之后每 {step} 秒一段，共 {assessed.units} 秒",
                f"first {first} seconds, then steps of {step}: {assessed.units} seconds",
            )
        )
    return words


def _price(plan: Plan, price: Price) -> Words:
    fee = yuan(price.connect_fee)
    if plan.charge_by is ChargeBy.TIME:
        zh, en = f"每分钟 {yuan(price.per_minute)} 元", f"{yuan(price.per_minute)} yuan a minute"
    else:
        zh, en = f"每次 {yuan(price.per_call)} 元", f"{yuan(price.per_call)} yuan a call"
    return Words(
        f"价格自 {price.effective_text} 起（主叫：{_KINDS[price.caller]}）：{zh}，接通费 {fee} 元",
        f"price from {price.effective_text} for caller {price.caller}: {en}, connect fee {fee} yuan",
    )


def _charged(charge: Charge | None, assessed: Assessment | Unratable) -> list[Words]:
    if charge is None:
        return [Words("尚未计费（appliance rating run）", "not rated yet (appliance rating run)")]
    words = []
    if not charge.reason.startswith("reject:"):
        if charge.included_units or charge.charged_units:
            used, paid = charge.included_units, charge.charged_units
            words.append(Words(f"套餐内抵扣 {used}，计费 {paid}", f"{used} units included, {paid} units charged"))
        amount = yuan(charge.amount)
        words.append(Words(f"费用 {amount} 元（{charge.reason}）", f"charge {amount} yuan ({charge.reason})"))
    if charge.final:
        words.append(Words("已结账", "final"))
    else:
        words.append(Words("暂计，月结前可能变化", "provisional until the month is closed"))
    if not _agrees(charge, assessed):
        words.append(
            Words(
                "与现行价目不符：计费后价目或通话记录有变（appliance rating run --again）",
                "the price book or the call has changed since it was rated (appliance rating run --again)",
            )
        )
    return words


def _agrees(charge: Charge, assessed: Assessment | Unratable) -> bool:
    """Whether the book of today gives the charge that is stored, grants as they were used."""
    if isinstance(assessed, Unratable):
        return charge.reason == f"reject:{assessed.reason}"
    again = settle(assessed, charge.included_units)
    return (charge.plan_code, charge.price_from, charge.billable_units, charge.amount, charge.reason) == (
        again.plan,
        again.price_from,
        again.billable_units,
        again.amount,
        again.reason,
    )
