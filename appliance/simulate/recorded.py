"""What a stored call's record knows of it: what its caller pressed at each asking, and which lines were busy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from appliance.domain import numbers
from appliance.domain.callback_number import CONFIRM, OTHER, why_not_callable
from appliance.domain.flow import Collect, Dial, Flow, Menu, Node, Survey
from appliance.domain.queue import Left
from appliance.domain.routing import NumberRoute, RoutingTable
from appliance.simulate.trial import Case
from appliance.store.models import Call, Callback, QueueStay

#: Ends of a line as a record says them, by which it could not be had.
_BUSY = frozenset({"busy", "full"})
#: Ends of a stay whose caller had waited, and no line was free for him.
_WAITED = frozenset({Left.ABANDONED, Left.TIMEOUT, Left.FULL, Left.KEY, Left.CALLBACK, Left.LOST})
#: Exits that are taken when nothing keyed led anywhere.
_MISSES = frozenset({"silence", "wrong"})
#: What stands for answers that led nowhere: a key that no menu has.
_MISS = {"wrong": "D"}


@dataclass(frozen=True, slots=True)
class Recorded:
    """A stored call, with its stays in queues and, where he asked for it in this call, his request to be called
    back."""

    call: Call
    stays: Sequence[QueueStay] = ()
    request: Callback | None = None

    def case(self, version: Flow, versions: Mapping[str, Flow], table: RoutingTable) -> Case:
        """It as a case to be walked.

        :param version: the one that it went by, and ``versions`` those of all flows of its account by label.
        """
        pressed = [*_pressed(self.call, version, versions), *self._asked_back(table)]
        return Case(0, self.call.started_at, self.call.caller, tuple(pressed), tuple(self._busy(table)))

    def _busy(self, table: RoutingTable) -> Iterable[str]:
        """Lines that were rung and busy, and those of queues in which he waited in vain."""
        tried = [pair.partition("=") for pair in self.call.tried.split(";") if pair]
        busy = dict.fromkeys(line for line, _, how in tried if how in _BUSY)
        for stay in self.stays:
            queue = table.queues.get(stay.queue_id)
            if queue is not None and stay.left in _WAITED:
                busy |= dict.fromkeys(queue.hunt.lines)
        return busy

    def _asked_back(self, table: RoutingTable) -> Iterator[str]:
        """What he pressed to be called back: the queue's key, another number where it was not his own, and that it
        is right."""
        request = self.request
        queue = table.queues.get(request.queue_id) if request is not None else None
        if request is None or queue is None or not queue.callback.key:
            return
        yield queue.callback.key
        if request.callee != self.call.caller:
            route = table.numbers.get(request.number, NumberRoute(request.number, request.account_id))
            own = numbers.caller(self.call.caller)
            if why_not_callable(own, queue.callback, route, table) is None:
                yield OTHER
            yield request.callee.replace("+", "00")
        yield CONFIRM


def _node(path: str, version: Flow, versions: Mapping[str, Flow]) -> Node | None:
    """The node at a place that a record names (``calls.going``); None: it is not there any more."""
    label, _, node_id = path.rpartition(">")[2].rpartition(":")
    flow = versions.get(label) if label else version
    return flow.nodes.get(node_id) if flow is not None else None


def _pressed(call: Call, version: Flow, versions: Mapping[str, Flow]) -> Iterator[str]:
    """What was pressed at each asking, in its order: keys that led somewhere, and silence where nothing did.

    A record made before ways were noted has only the keys.
    """
    keys: dict[str, list[str]] = {}
    for pressed_at, _, key in (pair.partition("=") for pair in call.keys.split(";") if pair):
        keys.setdefault(pressed_at, []).append(key)
    if not call.way:
        for place, pressed in keys.items():
            yield from (_keyed(_node(place, version, versions), key) for key in pressed)
        return
    for place, _, exit_name in (pair.partition("=") for pair in call.way.split(";")):
        node = _node(place, version, versions)
        if keys.get(place) and (exit_name not in _MISSES or isinstance(node, Collect | Survey)):
            yield _keyed(node, keys[place].pop(0))
        elif isinstance(node, Menu | Collect | Survey | Dial):
            yield from [_MISS.get(exit_name, "")] * node.attempts
    # A node whose line talked with him to the end was not left.
    for place, rest in keys.items():
        node = _node(place, version, versions)
        if isinstance(node, Menu | Dial):
            yield from rest


def _keyed(node: Node | None, keys: str) -> str:
    """What was keyed. Of a secret number the record says only how long it was; any other of that length will do."""
    return keys.replace("*", "0") if isinstance(node, Collect) else keys
