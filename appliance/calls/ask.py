"""Ask the caller for keys: a menu, a number, a mark."""

from __future__ import annotations

from collections.abc import Collection

from appliance.calls.desk import Desk
from appliance.domain.extension import awaits_more
from appliance.domain.flow import Menu
from appliance.domain.menu import AskAgain, Asking, Chosen, after_answer, keys_asked
from appliance.switch.leg import Digits, Leg


def ask(leg: Leg, node: Asking, account: str, desk: Desk, extensions: Collection[str] = ()) -> Chosen:
    """Play the node's prompt until the caller chooses or the attempts are used up."""
    attempt = 0
    while True:
        attempt += 1
        prompt = desk.find_prompt(account, node.prompt)
        if isinstance(node, Menu) and not node.barge_in:
            desk.play(leg, account, node.prompt)
            prompt = None
        answer = leg.collect(prompt, node.timeout_s, keys_asked(node))
        keys = answer.keys if isinstance(answer, Digits) else ""
        if keys and isinstance(node, Menu) and node.dial:
            keys = _with_more(leg, keys, node, extensions)
        step = after_answer(node, attempt, keys, extensions)
        match step:
            case Chosen():
                return step
            case AskAgain(again):
                desk.play(leg, account, again)


def _with_more(leg: Leg, keys: str, node: Menu, extensions: Collection[str]) -> str:
    """The keys with those behind them that may belong to an extension; ``#`` ends them, as does a pause."""
    while awaits_more(keys, extensions):
        answer = leg.collect(None, node.between_s)
        if not isinstance(answer, Digits) or answer.keys == "#":
            break
        keys += answer.keys
    return keys
