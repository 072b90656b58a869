"""A number's rules and strategy in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Flask

from appliance.store.queries.routing import RuleView
from webui import words
from webui.i18n import gettext, lazy_gettext

_STRATEGIES: Mapping[str, Any] = {
    "order": lazy_gettext("Straight to these lines, in this order:"),
    "rotate": lazy_gettext("Straight to these lines, in turns:"),
    "random": lazy_gettext("Straight to these lines, by chance:"),
    "ring-all": lazy_gettext("Straight to these lines, all at once:"),
    "weight": lazy_gettext("Straight to these lines, by weight:"),
    "longest-idle": lazy_gettext("Straight to these lines, the one idle longest first:"),
    "last-spoken": lazy_gettext("Straight to these lines, the one the caller knows first:"),
}


#: The same, short, beside a node that rings lines.
_SHORT: Mapping[str, Any] = {
    "rotate": lazy_gettext("in turns"),
    "random": lazy_gettext("by chance"),
    "ring-all": lazy_gettext("all at once"),
    "weight": lazy_gettext("by weight"),
    "longest-idle": lazy_gettext("idle longest first"),
    "last-spoken": lazy_gettext("the one the caller knows first"),
}


def strategy_in_short(code: str) -> str:
    """How a node's lines are chosen; nothing where it is in their order, which their numbers say."""
    return str(_SHORT.get(code, ""))


def strategy_in_words(code: str) -> str:
    """How lines are chosen."""
    return str(_STRATEGIES.get(code, code))


def rule_in_words(rule: RuleView) -> str:
    """One rule as a sentence; a name that is not known here is shown as it is."""
    joined = gettext(", ").join(rule.values)
    match rule.name, rule.values:
        case "max_calls", (most,):
            return gettext("At most %(most)s calls at once", most=most)
        case "calls_per_minute", (most,):
            return gettext("At most %(most)s calls a minute", most=most)
        case "caller_limit", (calls, minutes):
            return gettext(
                "At most %(calls)s calls of a caller in %(minutes)s minutes", calls=calls, minutes=minutes
            )
        case "passwords", (count,):
            return gettext("Asks for a password (%(count)s of them)", count=count)
        case "black_lists", _:
            return gettext("Black list: %(names)s", names=joined)
        case "white_lists", _:
            return gettext("White list: %(names)s", names=joined)
        case "schedule", _:
            return gettext("Hours: %(names)s", names=joined)
        case "regions_only", _:
            return gettext("Only from %(names)s", names=joined)
        case "regions_except", _:
            return gettext("Not from %(names)s", names=joined)
        case "refusals", reasons:
            treated = gettext(", ").join(words.outcome(f"refused:{reason}").why for reason in reasons)
            return gettext("Treated its own way: %(names)s", names=treated)
        case _:
            return f"{rule.name}: {joined}"


def init_rules(app: Flask) -> None:
    """Put the words on the app's templates."""
    app.jinja_env.filters.update(rule=rule_in_words, strategy=strategy_in_words, strategy_short=strategy_in_short)
