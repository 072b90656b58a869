"""The service menu (服务菜单): an agent signs in or out at his line, or somebody records a prompt."""

from __future__ import annotations

from appliance.calls.agent import sign_in_or_out
from appliance.calls.going import Going
from appliance.calls.take import record_prompt
from appliance.domain.flow import Service
from appliance.switch.leg import Digits

#: Prompt of the default set.
PROMPT = "service-menu"
_SIGN, _RECORD = "1", "2"


def serve(going: Going, node: Service) -> bool:
    """What the caller wants of it; False: he keyed nothing that is known."""
    match _wanted(going, node):
        case "1":
            return sign_in_or_out(going, node)
        case "2":
            return record_prompt(going, node)
        case _:
            return False


def _wanted(going: Going, node: Service) -> str:
    """A node that offers one thing does not ask."""
    if not (node.sign_in and node.record):
        return _SIGN if node.sign_in else _RECORD
    leg, desk = going.leg, going.desk
    for _ in range(node.attempts):
        prompt = desk.find_prompt(going.account, node.prompt or PROMPT)
        answer = leg.collect(prompt, node.timeout_s)
        if isinstance(answer, Digits) and answer.keys in (_SIGN, _RECORD):
            return answer.keys
        desk.play(leg, going.account, "wrong-key" if isinstance(answer, Digits) else "no-key")
    return ""
