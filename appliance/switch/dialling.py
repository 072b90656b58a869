"""Ringing lines in the switch's words: the arguments that are sent."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from appliance.errors import UnsafeArgument
from appliance.switch import escape
from appliance.switch.leg import Target
from appliance.switch.options import endpoint, leg_options

#: What ``originate_disposition`` holds before a try. ``limit_execute`` runs nothing when every slot is taken, so it
#: stays (``limit_execute_function``); otherwise ``switch_ivr_originate`` overwrites it at its beginning.
LINE_FULL = "LINE_FULL"
#: What a leg ends with that found no slot of its line free: a cause of FreeSWITCH's own that no carrier can send,
#: and that only its pickup, which is not offered here, gives.
LEG_FULL = "NO_PICKUP"
#: What the switch offers by itself (codec-prefs of its profile).
SWITCHS_CODECS = ("PCMA", "PCMU")
#: Seconds that whoever answers has for pressing 1, and the longest whisper.
CONFIRM_S = 12
WHISPER_S = 60
#: ``reply[512]`` of ``listener_run``.
_LONGEST_VALUE = 511
#: The trunk that a leg went out by.
OUTWARD = "gw_outward"
#: A trunk without a free channel; as its carrier says it.
TRUNK_FULL = "NORMAL_CIRCUIT_CONGESTION"


def ringing(
    targets: Sequence[Target],
    prompts: Sequence[Path] = (),
    *,
    at_once: bool = False,
    call: str = "",
    legs: Sequence[str] = (),
) -> tuple[str, str]:
    """The application that rings lines, all at once, and its argument.

    Slots are counted where the line's calls are. One line's is held by the caller's leg while it rings and talks
    (``limit_execute``). Of several each is held by the line's own leg, so that those that lose the race free theirs
    at once, and one that finds none free ends before its INVITE (``execute_on_originate`` runs before the leg's
    thread does; ``limit_ignore_transfer`` keeps the slot through the leg's change of state). A trunk's channels are
    held by the line's leg in any case: the caller may have come by the same trunk. A line whose side may send the
    caller on holds its own slot as well: it is over with its leg, wherever the caller goes.

    :param prompts: folders that what is whispered to a line may lie in.
    :param at_once: the caller hears what he hears while lines ring from now on, not only once one of them rings: a
        mobile may take seconds to be found.
    :param call: the caller's leg, where its legs are to name it.
    :param legs: the UUIDs that the lines' legs get, in the lines' order; none: the switch's own.

    >>> target = Target("a", "02151860000", "127.0.0.1:5080", 25, 2, caller_number="4008001234")
    >>> application, argument = ringing([target])
    >>> application
    'limit_execute'
    >>> print(argument.replace(",", "," + chr(10)))
    hash line a 2 bridge {ignore_early_media=true,
    originate_timeout=85}[leg_timeout=25,
    origination_caller_id_number=4008001234,
    origination_caller_id_name=4008001234]sofia/gateway400/02151860000@127.0.0.1:5080
    """
    if not targets:
        raise UnsafeArgument("no line to ring")
    only = targets[0]
    alone = len(targets) == 1 and not only.keys
    made = [leg(target, prompts, alone=alone, call=call) for target in targets]
    if legs:
        made = [named(one, uuid) for one, uuid in zip(made, legs, strict=True)]
    heard = ",instant_ringback=true" if at_once else ""
    rung = f"{{ignore_early_media=true{heard},originate_timeout={longest(targets)}}}{','.join(made)}"
    if not alone or not only.max_calls:
        return "bridge", rung
    return "limit_execute", f"hash line {escape.identifier(only.line)} {only.max_calls} bridge {rung}"


def causes_of(originate_causes: str, overall: str, count: int) -> list[str]:
    """What became of each of ``count`` lines that rang at once, in the dial string's order.

    ``originate_causes`` is ``ARRAY::UUID;CAUSE|:UUID;CAUSE`` (``switch_ivr_originate``), of which ``getvar`` gives
    511 bytes. A leg that is not told there, or had no end of its own, shares the overall one.

    >>> causes_of("ARRAY::0b1c;USER_BUSY|:7f3e;ALLOTTED_TIMEOUT|:52", "USER_BUSY", 3)
    ['USER_BUSY', 'ALLOTTED_TIMEOUT', 'USER_BUSY']
    >>> causes_of("0b1c;NONE", "NO_ANSWER", 2)
    ['NO_ANSWER', 'NO_ANSWER']
    """
    told = [one.partition(";")[2] for one in originate_causes.removeprefix("ARRAY::").split("|:")]
    if len(originate_causes) > _LONGEST_VALUE - 2:
        told = told[:-1]  # it may have been cut
    known = [cause if cause not in ("", "NONE") else overall for cause in told[:count]]
    return known + [overall] * (count - len(known))


def longest(targets: Sequence[Target]) -> int:
    """Seconds within which all of this is over; each leg has a limit of its own. ``switch_ivr_originate`` gives up
    every leg after 60 s where nothing is said, also one that has answered and is asked for its key or hears its
    whisper: such a leg gets more time of its own, but not the whole."""
    return max(target.ring_seconds for target in targets) + max(CONFIRM_S, WHISPER_S)


def named(made: str, uuid: str) -> str:
    """A leg in a dial string that gets this UUID."""
    return f"[origination_uuid={escape.identifier(uuid)},{made.removeprefix('[')}"


def leg(target: Target, prompts: Sequence[Path], *, alone: bool, call: str) -> str:
    """A line's leg in a dial string; ``alone``: the caller's leg holds its slot."""
    line = escape.identifier(target.line)
    if not (1 <= target.ring_seconds <= 600 and min(target.max_calls, target.trunk_max_calls) >= 0):
        raise UnsafeArgument(f"ring_seconds {target.ring_seconds} or max_calls {target.max_calls}")
    # The name is ours too: a caller's own is free text.
    shown = escape.number(target.caller_number) if target.caller_number else "anonymous"
    options = [
        f"leg_timeout={target.ring_seconds}",
        f"origination_caller_id_number={shown}",
        f"origination_caller_id_name={escape.number(target.display) if target.display else shown}",
    ]
    if target.diversion:
        who = escape.number(target.diversion)
        options.append(f"sip_h_Diversion=<sip:{who}@{escape.host_port(target.proxy)}>;reason=unconditional")
    if not target.caller_number:
        options.append("sip_h_Privacy=id")
    if not alone:
        options.append(f"gw_line={line}")
    if target.trunk:
        # Its CDR says what the carrier will bill: the caller's own trunk is another one, and a line has several.
        options.append(f"{OUTWARD}={escape.identifier(target.trunk)}")
    if target.codecs not in ((), SWITCHS_CODECS):
        options.append(f"absolute_codec_string=^^:{':'.join(escape.codec(one) for one in target.codecs)}")
    options += _before_joining(target, prompts)
    options += _held(target, line, alone=alone)
    options += leg_options(target, call)
    return f"[{','.join(options)}]{endpoint(target)}"


def _before_joining(target: Target, prompts: Sequence[Path]) -> list[str]:
    """What a line that has answered hears, and whether it must press 1 (``switch_ivr_originate``
    ``collect_thread_run``). Meanwhile the caller hears it ring on."""
    file = escape.media_path(target.whisper, *prompts) if target.whisper is not None else ""
    if target.confirm:
        heard = file or "silence_stream://1000"
        return ["group_confirm_key=1", f"group_confirm_file={heard}", f"group_confirm_timeout={CONFIRM_S}"]
    if file:
        within = f"group_confirm_timeout={WHISPER_S}"
        return ["group_confirm_key=exec", f"group_confirm_file=playback {file}", within]
    return []


def _held(target: Target, line: str, *, alone: bool) -> list[str]:
    """What the line's leg holds until its end."""
    held = []
    if target.max_calls and not alone:
        held.append(f"hash line {line} {target.max_calls} !{LEG_FULL}")
    if target.trunk_max_calls:
        held.append(f"hash trunk {escape.identifier(target.trunk)} {target.trunk_max_calls} !{TRUNK_FULL}")
    if not held:
        return []
    holding = [f"execute_on_originate_{index}=limit {one}" for index, one in enumerate(held)]
    return ["limit_ignore_transfer=true", *holding]
