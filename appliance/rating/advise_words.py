"""An advice in words: how the number is called, what would have been cheapest, and why."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.domain.advice import SHORT, PlanCost, Profile
from appliance.domain.money import round_half_up, yuan
from appliance.domain.pricing import ChargeBy
from appliance.rating.advise import Advice
from appliance.rating.words import Words

_KINDS = {"mobile": "手机", "fixed": "固话", "overseas": "境外", "unknown": "未知"}
#: A talk of so many seconds and more is a consultation, and so few calls a day are few.
_LONG, _FEW = 180, 20


def tenths(numerator: int, denominator: int) -> str:
    """A quotient with one decimal, rounded half up.

    >>> tenths(433, 60), tenths(1, 3), tenths(5, 0)
    ('7.2', '0.3', '0.0')
    """
    if denominator <= 0:
        return "0.0"
    whole, part = divmod(round_half_up(numerator * 10, denominator), 10)
    return f"{whole}.{part}"


def percent(part: int, whole: int) -> str:
    """``61 %``.

    >>> percent(61, 100), percent(1, 3), percent(0, 0)
    ('61 %', '33 %', '0 %')
    """
    return f"{round_half_up(part * 100, whole) if whole else 0} %"


def in_words(advice: Advice) -> list[Words]:
    """Sentences, the verdict first."""
    return [*_verdict(advice), *_called(advice.profile), *_why(advice), *_warnings(advice)]


def _verdict(advice: Advice) -> Iterator[Words]:
    best, actual, count = advice.best, advice.actual, len(advice.months)
    if not advice.profile.calls:
        yield Words("这段时间没有通话，无从比较", "no call in this time: nothing to compare by")
        return
    yield Words(f"{count} 个月实际费用 {yuan(actual)} 元", f"{count} months have cost {yuan(actual)} yuan")
    if best is None:
        yield Words("没有一个套餐对所有主叫都有价格", "no plan has a price for every caller")
        return
    named_zh, named_en = f"{best.plan.name}（{best.plan.code}）", f"{best.plan.code} ({best.plan.name})"
    saved = actual - best.total
    if advice.present == (best.plan.code,):
        yield Words(f"现用套餐 {named_zh} 就是最省的", f"the present plan {named_en} is the cheapest")
    elif any(one.actual.unrated for one in advice.numbers):
        # What was charged so far is nothing to compare by.
        yield Words(
            f"最省的是 {named_zh}：{yuan(best.total)} 元", f"the cheapest is {named_en}: {yuan(best.total)} yuan"
        )
    elif saved > 0:
        yield Words(
            f"最省的是 {named_zh}：{yuan(best.total)} 元，可少付 {yuan(saved)} 元（{percent(saved, actual)}）",
            f"the cheapest is {named_en}: {yuan(best.total)} yuan, {yuan(saved)} less ({percent(saved, actual)})",
        )
    else:
        yield Words(
            f"其他套餐都不更省：最低的 {named_zh} 为 {yuan(best.total)} 元",
            f"no other plan is cheaper: {named_en} would be {yuan(best.total)} yuan",
        )
    own = advice.each_its_own
    if len(advice.numbers) > 1 and own is not None and own < min(best.total, actual):
        yield Words(
            f"各号码分别选最省的套餐，合计 {yuan(own)} 元",
            f"with its own cheapest plan for each number: {yuan(own)} yuan together",
        )


def _called(called: Profile) -> Iterator[Words]:
    if not called.calls:
        return
    mean, day = tenths(called.talk_seconds, 60 * called.talked), tenths(called.calls, called.days)
    short = percent(called.short, called.talked)
    yield Words(
        f"平均通话 {mean} 分钟，每天 {day} 个来电，{short} 的通话不到 {SHORT} 秒",
        f"mean talk {mean} min, {day} calls a day, {short} of the talks below {SHORT} s",
    )


def _why(advice: Advice) -> Iterator[Words]:
    called, best = advice.profile, advice.best
    for cost in advice.plans:
        granted = cost.plan.included * len(cost.months) * len(advice.numbers)
        if cost.plan.code in advice.present and granted:
            unused = percent(max(granted - cost.sum_of("included"), 0), granted)
            yield Words(
                f"现用套餐 {cost.plan.code} 的包含额度有 {unused} 没有用上",
                f"{unused} of what the present plan {cost.plan.code} includes was not used",
            )
    if best is None or not called.talked:
        return
    long = called.talk_seconds >= _LONG * called.talked
    few = called.calls <= _FEW * called.days
    yield Words(
        "一般来说，按时计费适合通话不多而咨询较长，按次计费适合咨询量大而通话较短",
        "as a rule, charging by time suits few and long consultations, by the call many short calls",
    )
    fitting = ChargeBy.TIME if long and few else ChargeBy.CALL if not long and not few else None
    by_time = best.plan.charge_by is ChargeBy.TIME
    how_zh, how_en = ("按时", "by time") if by_time else ("按次", "by the call")
    each = Words(f"每通约 {_each(best, called)} 元", f"about {_each(best, called)} yuan for each talk")
    if fitting is best.plan.charge_by:
        yield Words(f"这里正是如此：{how_zh}，{each.zh}", f"and so it is here: {how_en}, {each.en}")
    else:
        yield Words(
            f"这里由金额决定：按这些价格，{how_zh}更省，{each.zh}",
            f"here the prices decide: {how_en} is cheaper by them, {each.en}",
        )


def _each(best: PlanCost, called: Profile) -> str:
    return yuan(round_half_up(best.total, called.talked * 10_000) * 10_000)


def _warnings(advice: Advice) -> Iterator[Words]:
    unrated = sum(one.actual.unrated for one in advice.numbers)
    if unrated:
        yield Words(
            f"有 {unrated} 个通话尚未计费，实际费用偏低（appliance rating run）",
            f"{unrated} calls are not rated yet: what they have cost is not the whole (appliance rating run)",
        )
    refused = sum(month.unpriced for one in advice.numbers for month in one.actual.months.values())
    if refused:
        yield Words(
            f"有 {refused} 个通话没有套餐或价格，未收费", f"no plan or price held for {refused} calls: not charged"
        )
    for cost in advice.plans:
        for kind, count in sorted(cost.unpriced_kinds.items()):
            yield Words(
                f"套餐 {cost.plan.code} 对{_KINDS.get(kind, kind)}主叫没有价格（{count} 个通话），不参与比较",
                f"the plan {cost.plan.code} has no price for {count} calls of the kind {kind}: it is not compared",
            )
        backdated = cost.sum_of("backdated")
        if backdated:
            yield Words(
                f"套餐 {cost.plan.code} 当时尚未生效（{backdated} 个通话），按其最早的价格推算",
                f"the plan {cost.plan.code} had no price yet for {backdated} calls: its first one is taken",
            )
