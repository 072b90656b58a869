"""Prompts as the console shows them: an account's versions, and what plays which prompt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from appliance.domain import flow as flows
from appliance.domain.routing import SAY_NUMBER
from appliance.domain.speech import whispered_prompts
from appliance.store.models import Account, Flow, FlowVersion, Number, Prompt, Queue, in_force
from appliance.store.queries.scope import Reader


@dataclass(frozen=True, slots=True)
class PromptVersion:
    """One version of an account's own prompt. ``source``: upload, tts or phone; ``text``: what tts said."""

    account_id: str
    name: str
    version: int
    title: str
    source: str
    text: str
    milliseconds: int
    sha256: str
    file_name: str
    made_by: str
    made_at: datetime
    in_use: bool


@dataclass(frozen=True, slots=True)
class Use:
    """What plays a prompt. ``kind``: flow, queue, whisper or refusal; ``name``: of the flow, queue or number."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def view(row: Prompt) -> PromptVersion:
    """A row as a value."""
    return PromptVersion(**{field: getattr(row, field) for field in PromptVersion.__dataclass_fields__})


def accounts_with_prompts(reader: Reader) -> Sequence[tuple[str, str]]:
    """(id, name) of every account that may be seen."""
    return [(id_, name) for id_, name in reader.rows(select(Account.id, Account.name).order_by(Account.id))]


def prompt_versions(reader: Reader, account: str | None = None) -> list[PromptVersion]:
    """Every version kept, by prompt, the newest first; of one account, or of all that may be seen."""
    asked = select(Prompt).order_by(Prompt.account_id, Prompt.name, Prompt.version.desc())
    if account is not None:
        asked = asked.where(Prompt.account_id == account)
    return [view(row) for row in reader.scalars(asked)]


def prompt_uses(reader: Reader, account: str, now: datetime) -> Mapping[str, tuple[Use, ...]]:
    """Prompt → what of an account plays it by name: flows published ``now``, queues' music, whispers, refusals."""
    uses: dict[str, list[Use]] = {}

    def note(name: str, use: Use) -> None:
        if name and use not in uses.setdefault(name, []):
            uses[name].append(use)

    published = select(Flow.name, FlowVersion.version, FlowVersion.graph).join(
        FlowVersion, (FlowVersion.flow_id == Flow.id) & (FlowVersion.version == in_force(now))
    )
    for flow, version, graph in reader.rows(published.where(Flow.account_id == account).order_by(Flow.name)):
        parsed, _ = flows.parse(flow, version, graph)
        for _node, name in parsed.prompts() if parsed is not None else ():
            note(name, Use("flow", flow))
    for queue in reader.scalars(select(Queue).where(Queue.account_id == account).order_by(Queue.id)):
        note(queue.music, Use("queue", queue.name or queue.id))
    for number in reader.scalars(select(Number).where(Number.account_id == account).order_by(Number.number)):
        said = whispered_prompts(number.number) if number.whisper == SAY_NUMBER else (number.whisper,)
        for name in dict.fromkeys(said):
            note(name, Use("whisper", number.number))
        refusals = number.rules.get("refusals")
        for treated in refusals.values() if isinstance(refusals, Mapping) else ():
            if isinstance(treated, Mapping):
                note(str(treated.get("prompt") or ""), Use("refusal", number.number))
    return {name: tuple(found) for name, found in uses.items()}
