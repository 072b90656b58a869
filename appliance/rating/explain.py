"""Why a call costs what it costs, in words: Chinese, and English below it."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from appliance.domain import grants, pricing
from appliance.domain.closing import month_name
from appliance.domain.grants import SHANGHAI, month_of
from appliance.domain.money import YUAN, yuan
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
from appliance.rating.explain_cost import costs_in_words
from appliance.rating.words import Words, units_in_words
from appliance.store.charges import ABNORMAL, WAIVE
from appliance.store.queries.explained import Explained, Settled, StoredCharge, explained
from appliance.store.queries.scope import Reader

_KINDS = {"any": "任意", "mobile": "手机", "fixed": "固话", "overseas": "境外", "unknown": "未知"}
_REFUSALS = {
    Refusal.NO_SUBSCRIPTION: ("该号码在通话时没有套餐", "no plan was subscribed to for this number at that time"),
    Refusal.NO_PRICE: ("套餐在通话时没有适用的价格", "the plan had no price for this caller at that time"),
}
_ENDED = {
    "refused": Words("呼叫未被接受，没有应答", "the call was refused, and not answered"),
    "abandoned": Words("主叫在应答前挂断", "the caller hung up before the answer"),
}
_WHY = {
    "unanswered": "未接通",
    "free": "免费时长内",
    "included": "全部由套餐额度抵扣",
    "part-included": "部分由套餐额度抵扣",
    "charged": "按价计费",
}
_CALLER_PAYS = Words(
    "主叫：只付拨打 400 号码的市话费，由其本机运营商收取，不在本费用内",
    "the caller pays the local call to the 400 number, to his own carrier; it is no part of this",
)
_COMPANY_PAYS = Words("企业：支付其余部分，即本费用", "the company pays the rest: this charge")
_CALLBACK_PAYS = Words(
    "这是回拨：被回拨者接听不付费，费用由企业承担",
    "this is a call back: whoever is called pays nothing, the company pays it",
)


def explain(reader: Reader, uuid: str, *, costs: bool = False) -> list[Words]:
    """The charge of a stored call, step by step.

    :param costs: with what its legs cost and what is left of the charge, if the reader sees the whole box.
    :raises RatingError: no call of that UUID is stored, or none that this reader may see.
    """
    facts = explained(reader, uuid, costs=costs)
    if facts is None:
        raise RatingError(f"no such call: {uuid}")
    return in_words(facts)


def in_words(facts: Explained) -> list[Words]:
    """As ``explain``, of facts that are read already."""
    return list(_explained(facts))


def _explained(facts: Explained) -> Iterator[Words]:
    yield _call(facts)
    settled = facts.settled
    if settled is not None:
        yield _settled(settled)
        if settled.action == WAIVE:
            if facts.charge is not None:
                yield from _booked(facts.charge)
            yield from costs_in_words(facts)
            return
    elif facts.outcome == ABNORMAL:
        yield Words("异常结束的通话，人工核对后才计费", "closed as abnormal: charged only after a check")
        yield from costs_in_words(facts)
        return
    assessed = assess(facts.call, facts.book)
    if isinstance(assessed, Unratable):
        zh, en = _REFUSALS[assessed.reason]
        yield Words(f"无法计费：{zh}", f"not rated: {en}")
    else:
        yield from _assessed(facts, assessed)
        yield from _granted(facts, assessed)
    yield from _charged(facts.charge, assessed)
    yield from _who_pays(facts)
    yield from costs_in_words(facts)


def _settled(settled: Settled) -> Words:
    by, day, why = settled.by_login, f"{settled.at.astimezone(SHANGHAI):%Y-%m-%d}", settled.reason
    if settled.action == WAIVE:
        return Words(f"由 {by} 于 {day} 核定免收：{why}", f"waived by {by} on {day}: {why}")
    return Words(f"由 {by} 于 {day} 核定通话时长：{why}", f"how long it lasted was settled by {by} on {day}: {why}")


def _call(facts: Explained) -> Words:
    call = facts.call
    at = (call.answered_at or call.started_at).astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")
    kind, zh, en = call.caller_kind, "应答", "answered"
    if call.answered_at is None:
        zh, en = "呼入", "begun"
    what = ("回拨", "call back by") if facts.is_callback else ("来电", "call to")
    from_ = "to somebody" if facts.is_callback else "from a caller"
    other = "被回拨者" if facts.is_callback else "主叫"
    return Words(
        f"{call.number} 的{what[0]}，{other}类型：{_KINDS.get(kind, kind)}，{zh}于 {at}（北京时间）",
        f"{what[1]} {call.number} {from_} of kind {kind}, {en} {at} (Asia/Shanghai)",
    )


def _assessed(facts: Explained, assessed: Assessment) -> Iterator[Words]:
    plan, price = assessed.plan, assessed.price
    by_answer = plan.meter is Meter.ANSWER
    zh, en = ("网关应答", "the gateway’s answer") if by_answer else ("线路应答", "a line’s answer")
    yield Words(
        f"套餐：{plan.name}（{plan.code}），从{zh}起计", f"plan {plan.code} ({plan.name}), metered from {en}"
    )
    if price is None:
        if facts.call.answered_at is None:
            told = _ENDED.get(facts.outcome.partition(":")[0])
            if told is not None:
                yield told
        elif not by_answer:
            yield Words("已应答，但没有线路接听", "answered by the gateway, and by no line")
        yield Words("未接通，不收费", "not answered: nothing is charged")
        return
    ms, seconds = facts.bill_ms if by_answer else facts.bridged_ms, assessed.metered_seconds
    yield Words(f"计量 {ms} 毫秒，向上取整为 {seconds} 秒", f"{ms} ms, rounded up to {seconds} seconds")
    yield _price(plan, price)
    if assessed.units == 0:
        free = price.free_seconds
        yield Words(f"不超过免费的 {free} 秒", f"not more than the {free} free seconds")
    elif plan.charge_by is ChargeBy.TIME:
        first, step = price.initial_seconds, price.step_seconds
        yield Words(
            f"首段 {first} 秒，之后每 {step} 秒一段，共 {assessed.units} 秒",
            f"first {first} seconds, then steps of {step}: {assessed.units} seconds",
        )
    else:
        yield Words("按次计费，计 1 次", "charged by the call: one")


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


def _granted(facts: Explained, assessed: Assessment) -> Iterator[Words]:
    """Which month's grants were there, what this call took of each, and what it left."""
    plan, call, charge = assessed.plan, facts.call, facts.charge
    if charge is None or call.answered_at is None or not assessed.units or not plan.included:
        return
    allowance = grants.Allowance(month_of(assessed.subscription.starts_at), plan.included, plan.rollover_months)
    drawn = grants.draw(allowance, facts.used_before, month_of(call.answered_at), assessed.units)
    if sum(one.taken for one in drawn) != charge.included_units:
        yield Words(
            "此后有更早的通话入库，额度待重算（appliance rating run --again）",
            "an earlier call has come since: its grants are to be used anew (appliance rating run --again)",
        )
        return
    if not drawn:
        yield Words("套餐额度已用完", "nothing was left of the included units")
    for one in drawn:
        month = month_name(one.month)
        before = units_in_words(plan.charge_by, one.before)
        taken = units_in_words(plan.charge_by, one.taken)
        after = units_in_words(plan.charge_by, one.before - one.taken)
        yield Words(
            f"{month} 的套餐额度：此前余 {before.zh}，本次用 {taken.zh}，剩 {after.zh}",
            f"grant of {month}: {before.en} were left, this call used {taken.en}, {after.en} are left",
        )


def _charged(charge: StoredCharge | None, assessed: Assessment | Unratable) -> Iterator[Words]:
    if charge is None:
        yield Words("尚未计费（appliance rating run）", "not rated yet (appliance rating run)")
        return
    if charge.reason.startswith("reject:"):
        if isinstance(assessed, Assessment):
            zh, en = _REFUSALS[Refusal(charge.reason.removeprefix("reject:"))]
            yield Words(f"计费时无法计费：{zh}", f"could not be rated: {en}")
    else:
        if isinstance(assessed, Assessment):
            yield from _summed(charge, assessed)
        amount, why = yuan(charge.amount), _WHY.get(charge.reason, charge.reason)
        yield Words(f"费用 {amount} 元（{why}）", f"charge {amount} yuan ({charge.reason})")
    yield from _booked(charge)
    if not _agrees(charge, assessed):
        yield Words(
            "与现行价目不符：计费后价目或通话记录有变（appliance rating run --again）",
            "the price book or the call has changed since it was rated (appliance rating run --again)",
        )


def _booked(charge: StoredCharge) -> Iterator[Words]:
    """Which bill it stands on, where that is not its month's, and whether it may change."""
    if charge.booked_late is not None:
        month = month_name(charge.booked_late)
        yield Words(
            f"通话在其月份结账之后才入库，计入 {month} 的账单",
            f"it came after its month was closed and stands in the bill of {month}",
        )
    if charge.final:
        yield Words("已结账", "final")
    else:
        yield Words("暂计，月结前可能变化", "provisional until the month is closed")


def _summed(charge: StoredCharge, assessed: Assessment) -> Iterator[Words]:
    """The units, and the exact amount before it was rounded."""
    plan, price = assessed.plan, assessed.price
    if charge.included_units or charge.charged_units:
        used = units_in_words(plan.charge_by, charge.included_units)
        paid = units_in_words(plan.charge_by, charge.charged_units)
        yield Words(f"套餐内抵扣 {used.zh}，计费 {paid.zh}", f"{used.en} included, {paid.en} charged")
    if price is None or not charge.charged_units or plan.charge_by is ChargeBy.CALL:
        return
    exact = Fraction(charge.charged_units * price.per_minute, 60 * YUAN)
    rounded = pricing.amount_of(plan, price, charge.charged_units) - price.connect_fee
    sum_ = f"{charge.charged_units} × {yuan(price.per_minute)} ÷ 60"
    if exact * YUAN == rounded:
        yield Words(f"{sum_} = {yuan(rounded)} 元，无需舍入", f"{sum_} = {yuan(rounded)} yuan, exactly")
    else:
        zh, en = "四舍五入到百万分之一元", "rounded half up to a millionth"
        yield Words(
            f"{sum_} = {exact} 元，{zh}为 {yuan(rounded)} 元", f"{sum_} = {exact} yuan, {en}: {yuan(rounded)}"
        )


def _who_pays(facts: Explained) -> Iterator[Words]:
    if facts.is_callback:
        yield _CALLBACK_PAYS
    elif facts.call.answered_at is None:
        yield Words("未应答的呼叫，主叫与企业均不付费", "nobody pays for a call that was not answered")
    else:
        yield from (_CALLER_PAYS, _COMPANY_PAYS)


def _agrees(charge: StoredCharge, assessed: Assessment | Unratable) -> bool:
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
