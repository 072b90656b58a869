"""The node of the service menu (服务菜单), for the enterprise's own people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from appliance.domain.flow.kinds import Flag, Seconds, Whole
from appliance.domain.flow.node import NO_PROMPT, OPEN, Node, may


@dataclass(frozen=True, slots=True)
class Service(Node):
    """Have an agent sign in or out at his line by its PIN (签入签出), or somebody record a prompt by a code
    (录制提示音). ``failed`` is taken when he keyed nothing that is known (empty: as ``next``).

    :param prompt: asks for 1 (sign in or out) or 2 (record); empty: the usual one.
    :param attempts: how often extension and PIN, or the code, are asked for.
    """

    TYPE = "service"
    PAUSES = frozenset({"next", "failed"})
    sign_in: bool = may(Flag(), True)
    record: bool = may(Flag(), True)
    prompt: str = may(NO_PROMPT, "")
    next: str = may(OPEN, "")
    failed: str = may(OPEN, "")
    attempts: int = may(Whole(least=1, most=5), 3)
    timeout_s: float = may(Seconds(), 8.0)

    def contradictions(self) -> Iterator[tuple[str, str]]:
        """See ``Node``."""
        if not (self.sign_in or self.record):
            yield "sign_in", "offers nothing: neither sign_in nor record"
