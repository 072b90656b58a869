"""The call handlers' server in a process of its own, its verbs ordered one by one by a test.

``python -m tests.contract.handler_process HANDLERS_PORT PROMPTS RECORDINGS`` prints ``control PORT``. One
connection there at a time; a line of JSON is a message. To the test: ``{"leg": UUID, "invite": …, "notes": …}``
for a call that came, ``{"id": N, "result": …}`` or ``{"id": N, "error": NAME, "text": …}`` for an order,
``{"left": UUID}`` when a handler has returned. From the test: ``{"id": N, "leg": UUID, "verb": …, "args": …}``.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import sys
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gevent
from gevent import socket
from gevent.queue import Queue
from gevent.server import StreamServer

from appliance.calls.desk import Desk
from appliance.calls.message import take_message
from appliance.domain.duration import TimeLimit
from appliance.domain.outcome import Disposition, MediaTerms, Way
from appliance.domain.talk import TalkKeys
from appliance.errors import ApplianceError, CallerGone
from appliance.switch.esl_leg import Folders
from appliance.switch.leg import Digits, Leg, Target
from appliance.switch.server import LegServer


class Stage:
    """Hands each leg's verbs over to the test."""

    def __init__(self) -> None:
        self._orders: dict[str, Queue[dict[str, Any]]] = {}
        self._handlers: dict[str, Any] = {}
        self._told: Queue[dict[str, Any]] = Queue()

    def handle(self, leg: Leg) -> None:
        """The handler: whatever the test orders, until it says ``leave`` or the call ends."""
        self._orders[leg.uuid] = Queue()
        self._handlers[leg.uuid] = gevent.getcurrent()
        self._told.put({"leg": leg.uuid, "invite": dataclasses.asdict(leg.invite), "notes": dict(leg.notes)})
        try:
            while True:
                order = self._orders[leg.uuid].get(timeout=60)
                if order["verb"] == "leave":
                    self._told.put({"id": order["id"], "result": None})
                    return
                if order["verb"] == "stumble":
                    self._told.put({"id": order["id"], "result": None})
                    raise RuntimeError("the test wants a handler that fails")
                self._carry_out(leg, order)
        finally:
            del self._orders[leg.uuid], self._handlers[leg.uuid]
            self._told.put({"left": leg.uuid})

    def _carry_out(self, leg: Leg, order: dict[str, Any]) -> None:
        began = time.process_time()
        try:
            result = perform(leg, order["verb"], order["args"])
        except ApplianceError as error:
            self._told.put({"id": order["id"], "error": type(error).__name__, "text": str(error)})
            if isinstance(error, CallerGone):
                raise
        else:
            self._told.put({"id": order["id"], "result": result, "cpu": time.process_time() - began})

    def control(self, sock: socket.socket, _: object) -> None:
        """The test's connection."""
        self._told.queue.clear()
        # Only now may a call be made: its arrival would be cleared away.
        sock.sendall(b"ready\n")
        writer = gevent.spawn(self._tell, sock)
        try:
            with contextlib.suppress(ConnectionError), sock.makefile("r", encoding="utf-8") as lines:
                for line in lines:
                    self._order(json.loads(line))
        finally:
            # A test that leaves with words unread resets the connection. A writer that outlived it would take
            # the next test's first call to itself.
            writer.kill()

    def _order(self, order: dict[str, Any]) -> None:
        orders = self._orders.get(order["leg"])
        if orders is None:
            self._told.put({"id": order["id"], "error": "CallerGone", "text": "the handler has returned"})
        elif order["verb"] == "die":  # in the midst of a verb, as when the process dies
            self._handlers[order["leg"]].kill(block=False)
            self._told.put({"id": order["id"], "result": None})
        else:
            orders.put(order)

    def _tell(self, sock: socket.socket) -> None:
        while True:
            sock.sendall(json.dumps(self._told.get()).encode() + b"\n")


def perform(leg: Leg, verb: str, args: dict[str, Any]) -> Any:
    """Run one verb; its result as JSON can hold it."""
    match verb:
        case "note":
            leg.note(**args)
        case "limit":
            warning = Path(args["warning"]) if args["warning"] else None
            leg.limit(TimeLimit(**args["limit"]), warning)
        case "answer":
            leg.answer()
        case "early_media":
            leg.early_media()
        case "hide_keys":
            leg.hide_keys()
        case "play":
            return leg.play(Path(args["prompt"])).value
        case "collect":
            prompt = args["prompt"]
            answer = leg.collect(Path(prompt) if prompt else None, args["timeout_s"], args["at_most"])
            return answer.keys if isinstance(answer, Digits) else None
        case "wait":
            answer = leg.wait([Path(sound) for sound in args["sounds"]], args["keys"])
            return answer.keys if isinstance(answer, Digits) else None
        case "record":
            said = leg.record(**args)
            return None if said is None else [said.seconds, said.key]
        case "connect":
            targets = [_target(fields) for fields in args["targets"]]
            music = Path(args["music"]) if args["music"] else None
            tried = leg.connect(targets, args["record_to"], go_on=args["go_on"], music=music)
            return [[one.line, one.disposition.value, one.cause] for one in tried]
        case "take_message":
            folder = Path(args["prompts"])
            # Of the desk it wants prompts, room and names; of the call, whose prompts they are.
            desk: Any = SimpleNamespace(has_room=lambda: True, find_prompt=lambda _, name: folder / f"{name}.wav")
            desk.play, desk.message_name = partial(Desk.play, desk), partial(Desk.message_name, desk)
            call: Any = SimpleNamespace(route=SimpleNamespace(account="acme"))
            return take_message(leg, call, args["prompt"], args["max_s"], desk).value
        case "hold":
            return leg.hold(**args)
        case "let_go":
            leg.let_go(**args)
        case "hang_up":
            leg.hang_up(args["cause"])
        case "notes":
            return dict(leg.notes)
        case "pause":
            gevent.sleep(args["seconds"])
        case "cpu":
            return time.process_time()
        case _:
            raise ValueError(verb)
    return None


def _target(fields: dict[str, Any]) -> Target:
    causes = {cause: Disposition(meant) for cause, meant in fields["causes"].items()}
    whisper = Path(fields["whisper"]) if fields["whisper"] else None
    read = {"codecs": tuple(fields["codecs"]), "causes": causes, "whisper": whisper, "way": Way(fields["way"])}
    read |= {"media": MediaTerms(**fields["media"]), "keys": TalkKeys(**fields["keys"])}
    read |= {"announced": Disposition(fields["announced"]) if fields["announced"] else None}
    return Target(**{**fields, **read})


def main(port: str, prompts: str, recordings: str) -> None:
    """Serve until the process is ended."""
    stage = Stage()
    folders = Folders((Path(prompts),), Path(recordings))
    server = LegServer(("127.0.0.1", int(port)), stage.handle, folders)
    server.start()
    control = StreamServer(("127.0.0.1", 0), stage.control)
    control.start()
    print(f"control {control.server_port}", flush=True)
    gevent.get_hub().join()


if __name__ == "__main__":
    main(*sys.argv[1:])
