"""Ask the caller for keys: a menu, a number, a mark."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from appliance.calls.desk import Desk
from appliance.calls.keyed import secretly_keyed
from appliance.domain.extension import awaits_more
from appliance.domain.flow import Collect, Menu
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
        keys = _keyed(leg, prompt, node)
        if keys and isinstance(node, Menu) and node.dial:
            keys = _with_more(leg, keys, node, extensions)
        step = after_answer(node, attempt, keys, extensions)
        match step:
            case Chosen():
                return step
            case AskAgain(again):
                desk.play(leg, account, again)


def _keyed(leg: Leg, prompt: Path | None, node: Asking) -> str:
    """Keys; empty: none."""
    most = keys_asked(node)
    if isinstance(node, Collect) and node.secret:
        return secretly_keyed(leg, prompt, node.timeout_s, most)
    answer = leg.collect(prompt, node.timeout_s, most)
    return answer.keys if isinstance(answer, Digits) else ""


def _with_more(leg: Leg, keys: str, node: Menu, extensions: Collection[str]) -> str:
    """The keys with those behind them that may belong to an extension; ``#`` ends them, as does a pause."""
    while awaits_more(keys, extensions):
        answer = leg.collect(None, node.between_s)
        if not isinstance(answer, Digits) or answer.keys == "#":
            break
        keys += answer.keys
    return keys
