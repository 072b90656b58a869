"""A charge in words: by which price, how the units came about, who pays which part."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.store.queries.call_views import SettlementView
from appliance.store.queries.charges import ChargeView, PlanView, PriceView
from webui import words
from webui.i18n import gettext
from webui.shown import day, duration, yuan


def explain(charge: ChargeView, settled: SettlementView | None = None) -> list[str]:
    """Sentences, in the order the rating works; before them what a person decided of the call."""
    return [*_settled(settled), *_sentences(charge)]


def price_in_words(plan: PlanView, price: PriceView) -> str:
    """A price in one line, ``landline: ¥0.15 a minute, first 60 s, then every 60 s``."""
    parts = []
    if plan.charge_by == "call":
        parts.append(gettext("%(amount)s a call", amount=yuan(price.per_call)))
    else:
        parts.append(gettext("%(amount)s a minute", amount=yuan(price.per_minute)))
        parts.append(_interval(price))
    if price.connect_fee:
        parts.append(gettext("connection fee %(amount)s", amount=yuan(price.connect_fee)))
    if price.free_seconds:
        parts.append(gettext("calls up to %(duration)s are free", duration=duration(price.free_seconds)))
    return gettext("%(caller)s: %(price)s", caller=words.kind(price.caller), price=_listed(parts))


def plan_in_words(plan: PlanView) -> str:
    """What a plan counts, from when, and what a month includes."""
    counted = gettext("by call") if plan.charge_by == "call" else gettext("by time")
    parts = [counted, _meter(plan)]
    if plan.included:
        parts.append(gettext("%(units)s included a month", units=_units(plan, plan.included)))
        if plan.rollover_months:
            parts.append(gettext("unused ones last %(months)d more months", months=plan.rollover_months))
    if plan.minimum_monthly:
        parts.append(gettext("at least %(amount)s a month", amount=yuan(plan.minimum_monthly)))
    return _listed(parts)


def _settled(settled: SettlementView | None) -> Iterator[str]:
    if settled is None:
        return
    who, when = settled.by_login, day(settled.at)
    if settled.action == "charge":
        yield gettext(
            "Settled by %(who)s on %(day)s, how long it lasted: %(why)s", who=who, day=when, why=settled.reason
        )
    else:
        yield gettext("Waived by %(who)s on %(day)s: %(why)s", who=who, day=when, why=settled.reason)


def _sentences(charge: ChargeView) -> Iterator[str]:
    plan, price = charge.plan, charge.price
    if charge.reason.startswith("reject:"):
        yield _rejected(charge.reason)
        return
    if plan is not None:
        yield gettext(
            "Plan: %(name)s (%(code)s), %(how)s.", name=plan.name, code=plan.code, how=plan_in_words(plan)
        )
    if charge.reason == "unanswered":
        yield gettext("Nothing was metered: the call costs nothing.")
    if plan is not None and price is not None:
        yield from _priced(charge, plan, price)
    yield gettext("The caller pays only the local call to their own carrier; this amount is the company's part.")
    if charge.booked_late:
        yield gettext(
            "It came after its month was closed and stands in the bill of %(month)s.", month=charge.booked_late
        )
    if charge.final:
        yield gettext("Final: the month is closed.")
    else:
        yield gettext("Provisional until the month is closed: a call that comes late may change it.")


def _priced(charge: ChargeView, plan: PlanView, price: PriceView) -> Iterator[str]:
    yield gettext(
        "Price for %(caller)s, valid from %(since)s.",
        caller=words.kind(price.caller),
        since=price.effective_text[:10],
    )
    metered = duration(charge.metered_seconds)
    if charge.reason == "free":
        yield gettext(
            "Metered %(metered)s; calls up to %(free)s are free.",
            metered=metered,
            free=duration(price.free_seconds),
        )
        return
    if plan.charge_by == "time":
        yield gettext(
            "Metered %(metered)s; counted %(interval)s: %(billable)s.",
            metered=metered,
            interval=_interval(price),
            billable=_units(plan, charge.billable_units),
        )
    else:
        yield gettext("Metered %(metered)s; counted as one call.", metered=metered)
    if charge.included_units and not charge.charged_units:
        yield gettext("Covered by the month's included units, nothing is charged.")
    elif charge.included_units:
        yield gettext(
            "Covered by the month's included units: %(included)s; charged: %(charged)s.",
            included=_units(plan, charge.included_units),
            charged=_units(plan, charge.charged_units),
        )
    if charge.charged_units:
        yield _sum(charge, plan, price)


def _sum(charge: ChargeView, plan: PlanView, price: PriceView) -> str:
    fee = yuan(price.connect_fee) + " + " if price.connect_fee else ""
    if plan.charge_by == "call":
        return f"{fee}{yuan(price.per_call)} = {yuan(charge.amount)}"
    counted = gettext(
        "%(units)s × %(price)s a minute", units=_units(plan, charge.charged_units), price=yuan(price.per_minute)
    )
    inexact = charge.charged_units * price.per_minute % 60
    rounded = gettext(" (rounded half up to a millionth)") if inexact else ""
    return f"{fee}{counted} = {yuan(charge.amount)}{rounded}"


def _rejected(reason: str) -> str:
    why = {
        "reject:no-subscription": gettext("the number had no plan at that time"),
        "reject:no-price": gettext("the plan had no price for this caller at that time"),
        "reject:duplicate": gettext("a call with the same id is charged already"),
        "reject:abnormal": gettext("the end of the call was not recorded as it should be"),
    }.get(reason, reason.removeprefix("reject:"))
    return gettext("Not charged: %(why)s.", why=why)


def _interval(price: PriceView) -> str:
    if price.initial_seconds == price.step_seconds:
        return gettext("each %(step)d s begun", step=price.step_seconds)
    return gettext(
        "the first %(initial)d s as a whole, then each %(step)d s begun",
        initial=price.initial_seconds,
        step=price.step_seconds,
    )


def _meter(plan: PlanView) -> str:
    if plan.meter == "bridge":
        return gettext("metered from a line's answer")
    return gettext("metered from the gateway's answer")


def _units(plan: PlanView, count: int) -> str:
    return gettext("%(n)d calls", n=count) if plan.charge_by == "call" else duration(count)


def _listed(parts: list[str]) -> str:
    return gettext(", ").join(parts)
