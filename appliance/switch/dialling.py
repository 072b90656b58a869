"""Ringing a line in the switch's words: the arguments that are sent, and what its causes mean."""

from __future__ import annotations

from appliance.errors import UnsafeArgument
from appliance.switch import escape
from appliance.switch.leg import Disposition, Target

#: What ``originate_disposition`` holds before a try. ``limit_execute`` runs nothing when every slot is taken,
#: so it stays (``limit_execute_function``); otherwise ``switch_ivr_originate`` overwrites it at its beginning.
LINE_FULL = "LINE_FULL"

#: ``originate_disposition`` → what became of the try (cause names: ``switch_channel.c`` CAUSE_CHART; SIP answers
#: are mapped to causes by mod_sofia, ``sofia_glue_sip_cause_to_freeswitch``).
_DISPOSITIONS = {
    LINE_FULL: Disposition.FULL,
    "SUCCESS": Disposition.ANSWERED,
    "USER_BUSY": Disposition.BUSY,
    "NO_ANSWER": Disposition.NO_ANSWER,
    "ALLOTTED_TIMEOUT": Disposition.NO_ANSWER,
    "PROGRESS_TIMEOUT": Disposition.UNREACHABLE,
    "CALL_REJECTED": Disposition.REJECTED,
    "UNALLOCATED_NUMBER": Disposition.NOT_EXISTING,
    "NO_ROUTE_DESTINATION": Disposition.NOT_EXISTING,
    "NUMBER_CHANGED": Disposition.NOT_EXISTING,
    "INVALID_NUMBER_FORMAT": Disposition.NOT_EXISTING,
}


def disposition(cause: str) -> Disposition:
    """What a cause means for the caller; what is not listed is the line's or the network's fault.

    >>> disposition("NO_USER_RESPONSE")
    <Disposition.UNREACHABLE: 'unreachable'>
    """
    return _DISPOSITIONS.get(cause, Disposition.UNREACHABLE)


def ringing(target: Target) -> tuple[str, str]:
    """The application that rings the line, and its argument. It holds one of the line's slots while it does, where
    the line's calls are counted.

    >>> target = Target("a", "02151860000", "127.0.0.1:5080", 25, 2, caller_number="4008001234")
    >>> application, argument = ringing(target)
    >>> application
    'limit_execute'
    >>> print(argument.replace(",", "," + chr(10)))
    hash line a 2 bridge {ignore_early_media=true}[leg_timeout=25,
    origination_caller_id_number=4008001234,
    origination_caller_id_name=4008001234]sofia/gateway400/02151860000@127.0.0.1:5080
    """
    proxy = escape.host_port(target.proxy)
    if not (1 <= target.ring_seconds <= 600 and 0 <= target.max_calls <= 9999):
        raise UnsafeArgument(f"ring_seconds {target.ring_seconds} or max_calls {target.max_calls}")
    # The name is ours too: a caller's own is free text.
    shown = escape.number(target.caller_number) if target.caller_number else "anonymous"
    options = [
        f"leg_timeout={target.ring_seconds}",
        f"origination_caller_id_number={shown}",
        f"origination_caller_id_name={shown}",
    ]
    if target.diversion:
        who = escape.number(target.diversion)
        options.append(f"sip_h_Diversion=<sip:{who}@{proxy}>;reason=unconditional")
    if not target.caller_number:
        options.append("sip_h_Privacy=id")
    rung = (
        f"{{ignore_early_media=true}}[{','.join(options)}]sofia/gateway400/{escape.number(target.number)}@{proxy}"
    )
    line = escape.identifier(target.line)
    if not target.max_calls:
        return "bridge", rung
    return "limit_execute", f"hash line {line} {target.max_calls} bridge {rung}"
