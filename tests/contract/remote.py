"""A leg that lives in the handlers' process, ordered from the test's asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

from appliance import errors
from appliance.domain.called import Invite
from appliance.domain.duration import TimeLimit
from appliance.domain.outcome import MediaTerms
from appliance.domain.talk import TalkKeys
from appliance.switch.leg import Digits, Disposition, NoInput, Played, Recorded, Target, Tried

_PATIENCE_S = 45.0


class RemoteLeg:
    """The verbs of ``Leg``, awaited. What the verb raised in the process is raised here."""

    def __init__(self, stage: Stage, told: dict[str, Any]) -> None:
        self._stage = stage
        self.uuid: str = told["leg"]
        self.invite = Invite(**told["invite"])
        self.notes_at_start: dict[str, str] = told["notes"]

    async def do(self, verb: str, **args: Any) -> Any:
        """Any order of the handlers' process."""
        return await self._stage.order(self.uuid, verb, args)

    async def notes(self) -> dict[str, str]:
        """See ``Leg.notes``."""
        return dict(await self.do("notes"))

    async def note(self, **facts: str) -> None:
        """See ``Leg.note``."""
        await self.do("note", **facts)

    async def limit(self, limit: TimeLimit, warning: Path | None) -> None:
        """See ``Leg.limit``."""
        await self.do("limit", limit=asdict(limit), warning=None if warning is None else str(warning))

    async def answer(self) -> None:
        """See ``Leg.answer``."""
        await self.do("answer")

    async def early_media(self) -> None:
        """See ``Leg.early_media``."""
        await self.do("early_media")

    async def hide_keys(self) -> None:
        """See ``Leg.hide_keys``."""
        await self.do("hide_keys")

    async def play(self, prompt: Path) -> Played:
        """See ``Leg.play``."""
        return Played(await self.do("play", prompt=str(prompt)))

    async def collect(self, prompt: Path | None, timeout_s: float, at_most: int = 1) -> Digits | NoInput:
        """See ``Leg.collect``."""
        named = None if prompt is None else str(prompt)
        keys = await self.do("collect", prompt=named, timeout_s=timeout_s, at_most=at_most)
        return NoInput() if keys is None else Digits(keys)

    async def wait(self, sounds: Sequence[Path], keys: str = "") -> Digits | NoInput:
        """See ``Leg.wait``."""
        key = await self.do("wait", sounds=[str(sound) for sound in sounds], keys=keys)
        return NoInput() if key is None else Digits(key)

    async def record(self, to: str, max_s: int = 10, silence_s: int = 5, keys: str = "#") -> Recorded | None:
        """See ``Leg.record``."""
        said = await self.do("record", to=to, max_s=max_s, silence_s=silence_s, keys=keys)
        return None if said is None else Recorded(*said)

    async def connect(self, target: Target, record_to: str | None = None, **ways: Any) -> Tried:
        """See ``Leg.connect``; one line."""
        return (await self.connect_any([target], record_to, **ways))[0]

    async def connect_any(
        self,
        targets: Sequence[Target],
        record_to: str | None = None,
        *,
        go_on: bool = True,
        music: Path | None = None,
    ) -> list[Tried]:
        """See ``Leg.connect``."""
        fields = [{name: _plain(getattr(one, name)) for name in Target.__dataclass_fields__} for one in targets]
        heard = None if music is None else str(music)
        tried = await self.do("connect", targets=fields, record_to=record_to, go_on=go_on, music=heard)
        return [Tried(line, Disposition(disposition), cause) for line, disposition, cause in tried]

    async def hold(self, realm: str, name: str) -> int:
        """See ``Leg.hold``."""
        return int(await self.do("hold", realm=realm, name=name))

    async def let_go(self, realm: str, name: str) -> None:
        """See ``Leg.let_go``."""
        await self.do("let_go", realm=realm, name=name)

    async def hang_up(self, cause: str = "NORMAL_CLEARING") -> None:
        """See ``Leg.hang_up``."""
        await self.do("hang_up", cause=cause)


class Stage:
    """The test's end of the handlers' control connection; an async context manager."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._ids = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._arrived: asyncio.Queue[RemoteLeg] = asyncio.Queue()
        self.left: set[str] = set()

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        async with asyncio.timeout(_PATIENCE_S):
            assert await self._reader.readline() == b"ready\n"
        self._task = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def next_leg(self, timeout_s: float = 5.0) -> RemoteLeg:
        """The next call that the switch hands over."""
        async with asyncio.timeout(timeout_s):
            return await self._arrived.get()

    async def wait_left(self, uuid: str, timeout_s: float = 5.0) -> None:
        """Until the handler of that call has returned or failed."""
        async with asyncio.timeout(timeout_s):
            while uuid not in self.left:
                await asyncio.sleep(0.02)

    async def order(self, leg: str, verb: str, args: dict[str, Any]) -> Any:
        """Have one verb carried out."""
        number = next(self._ids)
        answer = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        line = json.dumps({"id": number, "leg": leg, "verb": verb, "args": args})
        self._writer.write(line.encode() + b"\n")
        async with asyncio.timeout(_PATIENCE_S):
            return await answer

    async def _read(self) -> None:
        async for line in self._reader:
            told = json.loads(line)
            if "leg" in told:
                self._arrived.put_nowait(RemoteLeg(self, told))
            elif "left" in told:
                self.left.add(told["left"])
            else:
                answer = self._answers.pop(told["id"])
                if answer.done():
                    continue
                if "error" in told:
                    answer.set_exception(getattr(errors, told["error"])(told["text"]))
                else:
                    answer.set_result(told["result"])


def _plain(value: Any) -> Any:
    """A target's field as JSON takes it."""
    if isinstance(value, MediaTerms | TalkKeys):
        return asdict(value)
    return str(value) if isinstance(value, Path) else dict(value) if isinstance(value, Mapping) else value
