"""The world outside as a script: for tests of call steps."""

from __future__ import annotations

import json
from collections.abc import Mapping

from appliance.domain.lookup import Failed, Outcome, Request, Why, read_answer


class FakeLookup:
    """A scripted ``Lookup``: address → status and JSON answer; no other host is there. ``asked``: all questions.

    It passes the real one's tests (``tests/http/test_lookup_contract.py``).
    """

    def __init__(self, answers: Mapping[str, tuple[int, object] | Failed] | None = None) -> None:
        self.answers = dict(answers or {})
        self.asked: list[Request] = []

    def ask(self, request: Request, wanted: Mapping[str, str]) -> Outcome:
        """See ``Lookup.ask``."""
        self.asked.append(request)
        answer = self.answers.get(request.url, Failed(Why.NO_SUCH_HOST))
        if isinstance(answer, Failed):
            return answer
        return read_answer(answer[0], "", json.dumps(answer[1]).encode(), wanted)
