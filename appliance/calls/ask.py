"""Ask the caller for keys: a menu, a number, a mark."""

from __future__ import annotations

from collections.abc import Container

from appliance.calls.desk import Desk
from appliance.domain.flow import Menu
from appliance.domain.menu import AskAgain, Asking, Chosen, after_answer, keys_asked
from appliance.switch.leg import Digits, Leg


def ask(leg: Leg, node: Asking, account: str, desk: Desk, extensions: Container[str] = ()) -> Chosen:
    """Play the node's prompt until the caller chooses or the attempts are used up."""
    attempt = 0
    while True:
        attempt += 1
        prompt = desk.find_prompt(account, node.prompt)
        if isinstance(node, Menu) and not node.barge_in:
            desk.play(leg, account, node.prompt)
            prompt = None
        answer = leg.collect(prompt, node.timeout_s, keys_asked(node))
        step = after_answer(node, attempt, answer.keys if isinstance(answer, Digits) else "", extensions)
        match step:
            case Chosen():
                return step
            case AskAgain(again):
                desk.play(leg, account, again)
