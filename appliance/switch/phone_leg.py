"""Codes that the house's own SIP phones dial (the dialplan's context ``phones``)."""

from __future__ import annotations

from appliance.switch.leg import PhoneCode
from appliance.switch.wire import Headers

_CODE = b"variable_gw_code"
#: Who has answered the challenge (``sofia_reg_parse_auth``): not the From header, in which anything may stand.
_USER = b"variable_sip_auth_username"


def phone_code(data: Headers) -> PhoneCode | None:
    """What a connection of the switch's asks for; None: it brings a call."""
    code = data.get(_CODE)
    if not code:
        return None
    return PhoneCode(line=data.get(_USER), signs_in=code == "sign-in")
