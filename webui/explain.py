"""Plans and prices in words. How a charge came about is said by ``appliance.rating.explain``."""

from __future__ import annotations

from appliance.store.queries.charges import PlanView, PriceView
from webui import words
from webui.i18n import gettext
from webui.shown import duration, yuan


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
