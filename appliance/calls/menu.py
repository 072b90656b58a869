"""Ask the caller for a key."""

from __future__ import annotations

from appliance.calls.desk import Desk
from appliance.domain.flow import Menu
from appliance.domain.menu import AskAgain, Chosen, after_answer
from appliance.switch.leg import Digits, Leg


def ask(leg: Leg, menu: Menu, account: str, desk: Desk) -> Chosen:
    """Play the menu until the caller chooses or the attempts are used up."""
    attempt = 0
    while True:
        attempt += 1
        answer = leg.collect(desk.find_prompt(account, menu.prompt), menu.timeout_s)
        step = after_answer(menu, attempt, answer.keys if isinstance(answer, Digits) else "")
        match step:
            case Chosen():
                return step
            case AskAgain(prompt):
                desk.play(leg, account, prompt)
