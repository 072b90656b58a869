"""What can go wrong with the phone.

::

    PhoneError
    ├── MessageError     bytes that are no SIP message
    ├── CallFailed       a final status of 300 or more to our INVITE
    ├── CallOver         the call ended while something else was awaited
    ├── RequestFailed    a final status of 300 or more to another request (REGISTER, INFO)
    ├── NoTelephoneEvent the other side offered no RFC 4733 payload type
    └── PhoneTimeout     nothing came in time (also a ``TimeoutError``)
"""

from __future__ import annotations


class PhoneError(Exception):
    """Base of every error raised by the phone."""


class MessageError(PhoneError):
    """The bytes cannot be read as a SIP message."""


class CallFailed(PhoneError):
    """Our INVITE was refused.

    ``status`` is the SIP status, ``reason`` the reason phrase, ``cause`` the Q.850 cause of the Reason header
    (RFC 3326) or None, ``header`` that header's text or None.
    """

    def __init__(self, status: int, reason: str, cause: int | None = None, header: str | None = None) -> None:
        super().__init__(f"{status} {reason}" + (f" ({header})" if header else ""))
        self.status = status
        self.reason = reason
        self.cause = cause
        self.header = header


class CallOver(PhoneError):
    """The call has ended, so what was awaited or asked for cannot happen any more."""


class RequestFailed(PhoneError):
    """A request other than INVITE got a final status of 300 or more; ``status`` and ``reason`` tell it."""

    def __init__(self, method: str, status: int, reason: str) -> None:
        super().__init__(f"{method} was answered {status} {reason}")
        self.status = status
        self.reason = reason


class NoTelephoneEvent(PhoneError):
    """Keys cannot be sent: the other side's SDP names no telephone-event payload type."""


class PhoneTimeout(PhoneError, TimeoutError):
    """What was awaited did not come within the time given."""
