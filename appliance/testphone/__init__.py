"""A SIP phone for trying and testing the appliance; it stands outside the house and imports nothing of it.

``Phone`` makes and takes calls over UDP with G.711 and RFC 4733 keys, on asyncio; ``LineScript`` says what a
line does with a call. Never for a customer's calls: no TLS, no SRTP, no RTCP, no jitter buffer.
"""

from appliance.testphone.call import Call
from appliance.testphone.ear import Key
from appliance.testphone.errors import (
    CallFailed,
    CallOver,
    MessageError,
    NoTelephoneEvent,
    PhoneError,
    PhoneTimeout,
    RequestFailed,
)
from appliance.testphone.incoming import IncomingCall
from appliance.testphone.line import LineScript
from appliance.testphone.outgoing import OutgoingCall
from appliance.testphone.phone import Phone
from appliance.testphone.waits import Ended

__all__ = [
    "Call",
    "CallFailed",
    "CallOver",
    "Ended",
    "IncomingCall",
    "Key",
    "LineScript",
    "MessageError",
    "NoTelephoneEvent",
    "OutgoingCall",
    "Phone",
    "PhoneError",
    "PhoneTimeout",
    "RequestFailed",
]
