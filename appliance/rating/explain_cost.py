"""What a call's legs cost the box and what is left of its charge, in words: for the operator of the box alone."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.domain.cost import CostReason
from appliance.domain.money import yuan
from appliance.rating.words import Words
from appliance.store.queries.explained import CostedLeg, Explained

_LINES = {"landline": "固话", "mobile": "手机", "overseas": "境外", "unknown": "未知", "phone": "话机"}


def costs_in_words(facts: Explained) -> Iterator[Words]:
    """Leg by leg, then the margin; nothing where the reader may not see it, or nothing went out."""
    legs = facts.legs
    if not legs:
        return
    for leg in legs:
        yield _leg(leg)
    cost = sum(leg.amount for leg in legs)
    unknown = sum(leg.reason == CostReason.NO_COST for leg in legs)
    charge = facts.charge
    if charge is None or charge.reason.startswith("reject:"):
        yield Words(f"线路成本合计 {yuan(cost)} 元", f"the legs cost {yuan(cost)} yuan together")
    else:
        yield Words(
            f"毛利：{yuan(charge.amount)} − {yuan(cost)} = {yuan(charge.amount - cost)} 元",
            f"margin: {yuan(charge.amount)} - {yuan(cost)} = {yuan(charge.amount - cost)} yuan",
        )
    if unknown:
        yield Words(
            f"另有 {unknown} 条外呼没有成本价，毛利偏高",
            f"{unknown} legs have no cost: the margin is less than that",
        )


def _leg(leg: CostedLeg) -> Words:
    zh, en = f"外呼（{leg.line or '主叫'}，", f"leg out ({leg.line or 'the caller'}, "
    zh, en = (
        f"{zh}{_LINES.get(leg.kind, leg.kind)}，中继 {leg.trunk or '—'}）",
        f"{en}{leg.kind}, trunk {leg.trunk or '-'})",
    )
    match leg.reason:
        case CostReason.UNANSWERED:
            return Words(f"{zh}：未应答，无成本", f"{en}: not answered, costs nothing")
        case CostReason.IN_HOUSE:
            return Words(f"{zh}：内部话机，无成本", f"{en}: a phone of the house, costs nothing")
        case CostReason.NO_COST:
            return Words(f"{zh}：{leg.seconds} 秒，没有成本价", f"{en}: {leg.seconds} seconds, no cost is known")
        case _:
            spent = yuan(leg.amount)
            return Words(
                f"{zh}：{leg.seconds} 秒，计 {leg.units} 秒，成本 {spent} 元（成本价自 {leg.cost_from}）",
                f"{en}: {leg.seconds} seconds, counted {leg.units}, {spent} yuan (cost from {leg.cost_from})",
            )
