"""What an exchange is bounded by: the addresses that may be asked, and the time there is."""

from __future__ import annotations

import time
from typing import Any

#: (address family, socket address), as ``getaddrinfo`` has them.
Target = tuple[int, tuple[Any, ...]]


class Deadline:
    """When an exchange has to be over (monotonic), and how long a connection or an answer's next part may take."""

    def __init__(self, total_s: float, connect_s: float, read_s: float) -> None:
        self._at = time.monotonic() + total_s
        self.connect_s = connect_s
        self.read_s = read_s

    @property
    def left_s(self) -> float:
        """Seconds until then; 0: it is over."""
        return max(0.0, self._at - time.monotonic())
