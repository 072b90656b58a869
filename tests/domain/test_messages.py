"""The names of a call's messages, from the handlers' note to the call's record."""

from __future__ import annotations

import doctest

from appliance.domain import recording
from appliance.domain.cdr import PACKED, packed
from appliance.domain.recording import MOST_MESSAGES, message_name
from tests.domain.legs import CALLER, a_call


def test_doctests() -> None:
    assert doctest.testmod(recording).failed == 0


def test_the_record_of_a_call_names_all_messages_that_a_caller_may_leave() -> None:
    names = ";".join(message_name(CALLER, ordinal + 1) for ordinal in range(MOST_MESSAGES))
    assert a_call(**{PACKED: packed({"messages": names})}).messages == names
