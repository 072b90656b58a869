"""What stands in the options of a line's leg beside whom it shows: how it is reached, its voice and keys, and what
its side may ask for while they talk."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.domain.outcome import USUAL_MEDIA, MediaTerms, Target, Way
from appliance.domain.routing import PHONES_REALM
from appliance.domain.talk import TalkKeys
from appliance.errors import UnsafeArgument
from appliance.switch import escape

#: Noted on the caller's channel by the switch itself: the carrier spoke (183 with SDP), the line rang (180).
SPOKE, RANG = "gw_spoke", "gw_rang"
#: A held leg may be silent ten times as long.
_HELD = 10
#: Order of what is carried out as a line answers (``execute_on_answer_N``): keys by 0 to 9, then these.
_HEAR_TONES, _MAKE_TONES = 20, 21


def endpoint(target: Target) -> str:
    """Where a line is, in a dial string's words. A phone is looked up among those that registered; one that has not
    ends with ``USER_NOT_REGISTERED`` (``sofia_outgoing_channel``), a gateway that is not registered with
    ``GATEWAY_DOWN``.

    >>> endpoint(Target("desk", "desk", "", 25, 1, way=Way.PHONE))
    'sofia/phones/desk%phones.gateway400'
    >>> endpoint(Target("a", "02160000001", "192.0.2.7:5060", 25, 1, trunk="telecom", way=Way.REGISTERED))
    'sofia/gateway/telecom/02160000001'
    """
    if target.way is Way.PHONE:
        return f"sofia/phones/{escape.identifier(target.line)}%{PHONES_REALM}"
    if target.way is Way.REGISTERED:
        return f"sofia/gateway/{escape.identifier(target.trunk)}/{escape.number(target.number)}"
    return (
        f"sofia/{escape.identifier(target.profile)}/{escape.number(target.number)}@{escape.host_port(target.proxy)}"
    )


def media_variables(terms: MediaTerms) -> Iterator[tuple[str, str]]:
    """Variables of a leg by which its voice and keys travel otherwise than usual; of a caller's as of a line's.

    >>> dict(media_variables(MediaTerms(dtmf="info", media_timeout_s=20)))
    {'dtmf_type': 'info', 'media_timeout': '20000', 'media_hold_timeout': '200000'}
    """
    if terms.dtmf == "info":
        yield "dtmf_type", "info"
    elif terms.dtmf == "in-band":
        yield "dtmf_type", "none"
        yield f"execute_on_answer_{_HEAR_TONES}", "start_dtmf"
        # "write": made of keys that are sent to it; without, of those that it sends, which then are none any more.
        yield f"execute_on_answer_{_MAKE_TONES}", "start_dtmf_generate write"
    if not terms.symmetric_rtp:
        yield "disable_rtp_auto_adjust", "true"
        # Voice from elsewhere than its SDP says would be thrown away (rtp_common_read): then a carrier whose voice
        # comes one way and is to go another would not be heard.
        yield "rtp_manual_rtp_bugs", "ACCEPT_ANY_PACKETS"
    if terms.session_timer_s != USUAL_MEDIA.session_timer_s:
        yield "sofia_session_timeout", str(terms.session_timer_s)
    if terms.media_timeout_s:
        yield "media_timeout", str(terms.media_timeout_s * 1000)
        yield "media_hold_timeout", str(terms.media_timeout_s * 1000 * _HELD)


def leg_options(target: Target, call: str) -> list[str]:
    """The options; ``call`` is the caller's leg."""
    options = [f"{name}={value}" for name, value in media_variables(target.media)]
    if target.media.progress_s:
        options.append(f"leg_progress_timeout={target.media.progress_s}")
    if target.announced is not None:
        options.append(f"api_on_media=uuid_setvar {escape.identifier(call)} {SPOKE} yes")
        options.append(f"api_on_ring=uuid_setvar {escape.identifier(call)} {RANG} yes")
    if target.keys:
        options.append(f"gw_call={escape.identifier(call)}")
        options += [f"execute_on_answer_{digit}={asked}" for digit, asked in bindings(target.keys)]
    return options


def bindings(keys: TalkKeys) -> list[tuple[str, str]]:
    """Digit and the application that binds it: pressed behind a star by the leg itself (``a``), never by whom it
    talks to, it is carried out by that leg (``s``)."""
    made = []
    for key, digit in keys:
        if len(digit) != 1 or not digit.isdecimal():
            raise UnsafeArgument(f"key {digit!r}")
        made.append((digit, f"bind_meta_app {digit} a s execute_extension::{key.value} XML talk"))
    return made
