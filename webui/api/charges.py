"""``GET /api/v1/calls/<uuid>/charge``: what a call costs, and why. ``docs/api.md`` describes it."""

from __future__ import annotations

from apiflask import APIBlueprint, Schema
from apiflask.fields import Boolean, Integer, List, Nested, String
from flask import abort
from flask.typing import ResponseReturnValue

from appliance.rating.explain import in_words
from appliance.store.queries.explained import CostedLeg, StoredCharge, explained
from webui.context import is_box_administrator, reader
from webui.shown import decimal_yuan

bp = APIBlueprint("api_charges", __name__, url_prefix="/api/v1", tag="Calls")


class ChargeOut(Schema):
    """A charge as it is stored."""

    plan = String(required=True, metadata={"description": "Empty: none held."})
    price_from = String(required=True)
    billable_units = Integer(required=True)
    included_units = Integer(required=True)
    charged_units = Integer(required=True)
    amount_yuan = String(required=True)
    reason = String(required=True)
    final = Boolean(required=True)


class WordsOut(Schema):
    """The same sentences in both languages."""

    zh = List(String(), required=True)
    en = List(String(), required=True)


class LegOut(Schema):
    """A leg that went out."""

    trunk = String(required=True)
    line = String(required=True)
    kind = String(required=True, metadata={"description": "What was dialled."})
    seconds = Integer(required=True)
    units = Integer(required=True)
    amount_yuan = String(required=True)
    reason = String(required=True)


class ExplainedOut(Schema):
    """A call's charge with what explains it."""

    call = String(required=True)
    charge = Nested(ChargeOut, required=True, allow_none=True, metadata={"description": "Null: not rated yet."})
    explained = Nested(WordsOut, required=True)
    legs = List(
        Nested(LegOut),
        required=True,
        allow_none=True,
        metadata={"description": "Null for all but administrators of the box."},
    )


@bp.get("/calls/<uuid>/charge")
@bp.output(ExplainedOut)
@bp.doc(summary="What a call costs, and why", responses=[401, 404, 429])
def charge_of(uuid: str) -> ResponseReturnValue:
    """The charge of one call of the signed-in operator's account."""
    with reader() as opened:
        facts = explained(opened, uuid, costs=is_box_administrator())
    if facts is None:
        abort(404)
    words = in_words(facts)
    return {
        "call": uuid,
        "charge": None if facts.charge is None else _charge(facts.charge),
        "explained": {"zh": [word.zh for word in words], "en": [word.en for word in words]},
        "legs": None if facts.legs is None else [_leg(leg) for leg in facts.legs],
    }


def _charge(charge: StoredCharge) -> dict[str, object]:
    return {
        "plan": charge.plan_code,
        "price_from": charge.price_from,
        "billable_units": charge.billable_units,
        "included_units": charge.included_units,
        "charged_units": charge.charged_units,
        "amount_yuan": decimal_yuan(charge.amount),
        "reason": charge.reason,
        "final": charge.final,
    }


def _leg(leg: CostedLeg) -> dict[str, object]:
    return {
        "trunk": leg.trunk,
        "line": leg.line,
        "kind": leg.kind,
        "seconds": leg.seconds,
        "units": leg.units,
        "amount_yuan": decimal_yuan(leg.amount),
        "reason": leg.reason,
    }
