"""One SIP dialog, taken or placed, on top of a sippy user agent.

Every method runs in the SIP thread (`SipStack.run`), and so do the calls to the owner.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, Protocol

from sippy.CCEvents import (
    CCEventConnect,
    CCEventDisconnect,
    CCEventFail,
    CCEventInfo,
    CCEventRedirect,
    CCEventRing,
    CCEventTry,
    CCEventUpdate,
)
from sippy.MsgBody import MsgBody
from sippy.SipCallId import SipCallId
from sippy.SipContact import SipContact
from sippy.SipGenericHF import SipGenericHF
from sippy.SipHeader import SipHeader
from sippy.SipReason import SipReason
from sippy.UA import UA

from appliance.miniswitch import causes
from appliance.miniswitch.sip_stack import SipStack

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SipEnd:
    """How the other side ended a leg: FreeSWITCH's `sip_hangup_disposition`, status, phrase, cause."""

    disposition: str
    status: int
    phrase: str
    cause: str


class Owner(Protocol):
    """What a leg tells the channel that owns it. `body` is a session description, empty for none."""

    def sip_progress(self, status: int, body: str) -> None:
        """A provisional answer came."""

    def sip_answered(self, body: str) -> None:
        """The other side took the call."""

    def sip_renegotiated(self, body: str) -> str | None:
        """The other side changes its media; returns our answer, None to refuse."""

    def sip_info(self, body: str) -> None:
        """An INFO came: perhaps a key."""

    def sip_ended(self, end: SipEnd) -> None:
        """The other side ended the call, or it could not be placed."""


@dataclass(frozen=True)
class Invitation:
    """A call to be placed."""

    number: str
    address: tuple[str, int]
    caller_number: str
    caller_name: str
    body: str
    headers: tuple[tuple[str, str], ...] = ()


class SipLeg:
    """A leg's dialog. Create it, then `take` or `place` it; `owner` hears what happens."""

    def __init__(self, stack: SipStack, owner: Owner) -> None:
        self._stack = stack
        self._owner = owner
        self._incoming = False
        self._answered = False
        self._ended = False
        self._ua: Any = None

    def take(self, request: Any, transaction: Any) -> Any:
        """Make this leg of an INVITE; returns what sippy's transaction layer wants back."""
        self._incoming = True
        self._ua = UA(self._stack.config, self._event)
        self._ua.lContact = self._contact()
        return self._ua.recvRequest(request, transaction)

    def place(self, call: Invitation) -> None:
        """Send an INVITE. One that cannot even be sent ends the leg as a 503 would."""
        self._ua = UA(self._stack.config, self._event, nh_address=call.address)
        self._ua.lContact = self._contact()
        event = CCEventTry(
            (SipCallId(), call.caller_number, call.number, MsgBody(call.body), None, call.caller_name)
        )
        event.extra_headers = tuple(
            SipHeader(name=name, body=SipGenericHF(_one_line(value), name)) for name, value in call.headers
        )
        try:
            self._ua.recvEvent(event)
        except (ValueError, RuntimeError, OSError, UnicodeError) as error:
            log.error("cannot call %s: %s", call.number, error)
            self._end_seen(SipEnd("recv_refuse", 503, "Service Unavailable", "NORMAL_TEMPORARY_FAILURE"))

    def progress(self, body: str) -> None:
        """Send 183 with a session description."""
        self._tell(CCEventRing((183, "Session Progress", MsgBody(body))))

    def answer(self, body: str) -> None:
        """Send 200."""
        self._answered = True
        self._tell(CCEventConnect((200, "OK", MsgBody(body))))

    def end(self, cause: str, status: int, phrase: str) -> None:
        """BYE, CANCEL, or a refusal with this status, whichever the state of the dialog asks for."""
        if self._ended:
            return
        self._ended = True
        refusing = self._incoming and not self._answered
        event = CCEventFail((status, phrase)) if refusing else CCEventDisconnect()
        protocol, number, text = causes.reason(cause)
        event.reason_rfc3326 = SipReason(protocol=protocol, cause=number, reason=text)
        self._tell(event)

    def identity(self) -> tuple[str, str, str]:
        """Call-ID, our tag and the other side's tag; empty where not known yet."""
        if self._ua is None or self._ua.cId is None:
            return "", "", ""
        remote = self._ua.rUri.getTag() if self._ua.rUri is not None else None
        return str(self._ua.cId), str(self._ua.lTag), remote or ""

    @staticmethod
    def _contact() -> Any:
        contact = SipContact()
        contact.address.name = None
        return contact

    def _tell(self, event: Any) -> None:
        if self._ua is not None and not self._ua.isDead():
            self._ua.recvEvent(event)

    def _event(self, event: Any, _ua: Any) -> None:
        """What sippy reports."""
        if isinstance(event, CCEventTry) or self._ended:
            return
        if isinstance(event, CCEventRing):
            status, _, body = event.getData()
            if status > 100:
                self._owner.sip_progress(status, str(body or ""))
        elif isinstance(event, CCEventConnect):
            self._answered = True
            self._owner.sip_answered(str(event.getData()[2] or ""))
        elif isinstance(event, CCEventUpdate):
            self._renegotiate(str(event.getData() or ""))
        elif isinstance(event, CCEventInfo):
            self._owner.sip_info(str(event.getData() or ""))
        elif isinstance(event, (CCEventFail, CCEventRedirect)):
            status, phrase = event.getData()[:2]
            self._end_seen(SipEnd("recv_refuse", status, phrase, _cause(event, causes.from_sip(status))))
        elif isinstance(event, CCEventDisconnect):
            if self._answered:
                self._end_seen(SipEnd("recv_bye", 200, "OK", _cause(event, "NORMAL_CLEARING")))
            else:
                self._end_seen(SipEnd("recv_cancel", 487, "Request Terminated", "ORIGINATOR_CANCEL"))

    def _end_seen(self, end: SipEnd) -> None:
        self._ended = True
        self._owner.sip_ended(end)

    def _renegotiate(self, body: str) -> None:
        answer = self._owner.sip_renegotiated(body)
        if answer is None:
            self._tell(CCEventFail((488, "Not Acceptable Here")))
        else:
            self._tell(CCEventConnect((200, "OK", MsgBody(answer))))


def _one_line(text: str) -> str:
    """No header may smuggle in another one."""
    return text.replace("\r", " ").replace("\n", " ")


def _cause(event: Any, otherwise: str) -> str:
    """The Q.850 cause of a Reason header when the other side gave one, as mod_sofia prefers it."""
    reason = event.reason_rfc3326
    try:
        if reason is not None and not reason.parsed:
            reason.parse()
        if reason is not None and str(reason.protocol).lower() == "q.850":
            return causes.by_number(reason.cause) or otherwise
    except (ValueError, AssertionError):
        log.info("a Reason header that cannot be read")
    return otherwise
