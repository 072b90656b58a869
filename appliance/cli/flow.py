"""``appliance flow``: IVR flows, from draft to publication and back."""

from __future__ import annotations

import getpass
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from appliance import bootstrap, config
from appliance.cli.moment import Moment
from appliance.domain.calendar import SHANGHAI
from appliance.domain.flow.schema import flow_schema
from appliance.errors import FlowError
from appliance.flows.publish import FlowFaults, Publisher, parsed
from appliance.reference.workdays import day_kind
from appliance.simulate.replay import Report, replay, told_end
from appliance.simulate.trial import Trial, read_table
from appliance.store import flows, schema
from appliance.store.journal import Journal
from appliance.store.models import Flow
from appliance.store.queries import Scope, reading
from appliance.store.queries.flows import FlowState, flow_states, history

_ACCOUNT = click.option("--account", required=True, help="Id of the enterprise.")
_NOTE = click.option("--note", default="", help="Kept in the history.")


@click.group()
def flow() -> None:
    """Flows: draft, check, try, publish, go back."""


@flow.command("schema")
def show_schema() -> None:
    """Write the JSON Schema of a flow's graph."""
    click.echo(json.dumps(flow_schema(), ensure_ascii=False, indent=2))


@flow.command("list")
@click.option("--account", default=None, help="Id of the enterprise; default: all.")
def list_flows(account: str | None) -> None:
    """List the flows: what calls take, what is to come, and drafts."""
    store = schema.opened(config.load().database_url)
    with closing(store), reading(store, Scope(account)) as reader:
        states = flow_states(reader, bootstrap.utc_now())
    if not states:
        click.echo("no flows")
    for state in states:
        click.echo(f"{state.account}/{state.name}: {_told(state)}")


@flow.command("history")
@click.argument("name")
@_ACCOUNT
def show_history(name: str, account: str) -> None:
    """Say what was, is and is to be published of the flow NAME, by whom, and when; the latest first."""
    store = schema.opened(config.load().database_url)
    with closing(store), reading(store, Scope(account)) as reader:
        rows = history(reader, name)
    if not rows:
        raise FlowError([f"the account {account} has no flow {name}, or it was never published"])
    for row in rows:
        version = f"version {row.version}" if row.version else "withdrawn"
        tail = f"  cancelled {_moment(row.cancelled_at)} by {row.cancelled_by}" if row.cancelled_at else ""
        note = f"  {row.note}" if row.note else ""
        click.echo(f"{_moment(row.at)}  {version:<12}  by {row.made_by or '-'} {_moment(row.made_at)}{note}{tail}")


@flow.command()
@click.argument("name")
@_ACCOUNT
@click.option("--version", type=int, help="Default: what calls take.")
@click.option("--draft", is_flag=True, help="The draft.")
def export(name: str, account: str, version: int | None, draft: bool) -> None:
    """Write a graph of the flow NAME as JSON."""
    click.echo(json.dumps(_stored_graph(account, name, version, draft), ensure_ascii=False, indent=2))


@flow.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("name")
@_ACCOUNT
def check(file: Path, name: str, account: str) -> None:
    """Say what is wrong with the graph in FILE (JSON or YAML) as the flow NAME. Changes nothing."""
    graph = read_graph(file)
    with _publisher(account) as publisher:
        faults = publisher.check(name, graph)
    if faults:
        raise FlowFaults(faults)
    click.echo(f"{len(graph['nodes'])} nodes, nothing wrong")


@flow.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("name")
@_ACCOUNT
def draft(file: Path, name: str, account: str) -> None:
    """Keep the graph in FILE (JSON or YAML) as the draft of the flow NAME, whatever faults it has."""
    with _publisher(account) as publisher:
        graph = read_graph(file)
        publisher.save(name, graph)
        faults = publisher.check(name, graph)
    click.echo(f"draft of {account}/{name} kept" + (f", {len(faults)} faults:" if faults else ", nothing wrong"))
    for fault in faults:
        click.echo(f"  {fault.text('zh')}\n    {fault.text()}")


@flow.command()
@click.argument("name")
@_ACCOUNT
@_NOTE
@click.option("--at", type=Moment(), help="When, Asia/Shanghai; default: now.")
def publish(name: str, account: str, note: str, at: datetime | None) -> None:
    """Publish the draft of the flow NAME. Calls in progress finish on the version that they are in."""
    with _publisher(account) as publisher:
        version = publisher.publish(name, at=at, note=note)
    click.echo(f"{account}/{name}: version {version} " + (f"from {_moment(at)} on" if at else "published"))


@flow.command("roll-back")
@click.argument("name")
@_ACCOUNT
@_NOTE
@click.option("--version", type=int, help="Default: the one before the present one.")
def roll_back(name: str, account: str, note: str, version: int | None) -> None:
    """Publish an older version of the flow NAME again; what was to come is cancelled."""
    with _publisher(account) as publisher:
        version = publisher.roll_back(name, version, note=note)
    click.echo(f"{account}/{name}: version {version} published")


@flow.command()
@click.argument("name")
@_ACCOUNT
def cancel(name: str, account: str) -> None:
    """Cancel what is to be published of the flow NAME later."""
    with _publisher(account) as publisher:
        count = publisher.cancel(name)
    click.echo(f"{count} cancelled")


@flow.command()
@click.argument("name")
@_ACCOUNT
@_NOTE
def withdraw(name: str, account: str, note: str) -> None:
    """Have calls take no version of the flow NAME: numbers that lead to it are out of service."""
    with _publisher(account) as publisher:
        publisher.withdraw(name, note=note)
    click.echo(f"{account}/{name}: withdrawn")


@flow.command("try")
@click.argument("table", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--flow", "name", required=True, help="Name of the flow.")
@_ACCOUNT
@click.option(
    "--file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A graph; default: the draft."
)
@click.option("--version", type=int, help="A stored version instead of the draft.")
def try_flow(table: Path, name: str, account: str, file: Path | None, version: int | None) -> None:
    """Walk the cases of TABLE (when | caller | keys | busy | expected way) through a flow. Places no call."""
    graph = read_graph(file) if file else _stored_graph(account, name, version, version is None)
    cases = read_table(_text(table))
    with _trial(account) as trial:
        tried = list(trial.run(parsed(name, version or 0, graph), cases))
    for one in tried:
        mark = "ok  " if one.is_right else "NOT "
        click.echo(f"{mark}{table.name}:{one.case.line}: {one.way}")
        if not one.is_right:
            click.echo(f"    expected: {one.case.expected}")
    wrong = sum(not one.is_right for one in tried)
    if wrong:
        raise FlowError([f"{wrong} of {len(tried)} cases go another way"])
    click.echo(f"{len(tried)} cases as expected")


@flow.command("replay")
@click.argument("name")
@_ACCOUNT
@click.option("--since", type=Moment(), help="Default: a week ago.")
@click.option("--until", type=Moment(), help="Default: now.")
@click.option("--version", type=int, help="A stored version instead of the draft.")
@click.option("--most", default=1000, show_default=True, type=click.IntRange(1, 100_000), help="Calls, the newest.")
def replay_calls(
    name: str, account: str, since: datetime | None, until: datetime | None, version: int | None, most: int
) -> None:
    """Walk stored calls through the draft of the flow NAME, and say what would differ. Places no call."""
    now = bootstrap.utc_now()
    graph = _stored_graph(account, name, version, version is None)
    with _trial(account) as trial:
        report = replay(
            trial, parsed(name, version or 0, graph), since or now - timedelta(days=7), until or now, most
        )
    for line in _replayed(report):
        click.echo(line)


def _replayed(report: Report) -> Iterator[str]:
    yield f"{report.calls} calls: {report.same} end alike, {len(report.differing)} differ"
    if report.asks_more:
        yield f"{report.asks_more} are asked for what they were never asked: nobody knows what they would press"
    if report.left_out:
        yield f"{report.left_out} left out: the version that they went by is gone"
    for (before, after), count in report.changes().most_common():
        yield f"{count:>6}  {before} → {after}"
    for one in report.differing[:20]:
        ends = f"{told_end(one.before)} → {told_end(one.after)}"
        yield f"  {one.uuid}  {_moment(one.started_at)}  {one.caller}  {ends}"


def _told(state: FlowState) -> str:
    told = [f"version {state.published} published" if state.published else "not published"]
    told += [f"version {version or '-'} from {_moment(at)} on" for at, version in state.to_come]
    if state.draft_at is not None:
        told.append(f"draft of {_moment(state.draft_at)} by {state.draft_by or '-'}")
    return ", ".join(told)


def _moment(at: datetime | None) -> str:
    return f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}" if at else "-"


@contextmanager
def _publisher(account: str) -> Iterator[Publisher]:
    settings = config.load()
    with closing(schema.opened(settings.database_url)) as store:
        find_prompt = bootstrap.prompt_library(settings).find_playable
        yield Publisher(store, account, find_prompt, f"cli:{getpass.getuser()}"[:60], bootstrap.utc_now())


@contextmanager
def _trial(account: str) -> Iterator[Trial]:
    settings = config.load()
    journal = Journal(settings.journal_file, reads_only=True)
    with closing(schema.opened(settings.database_url)) as store, closing(journal), store.reading() as session:
        yield Trial(session, journal, day_kind, account, settings.home_area_code)


def _stored_graph(account: str, name: str, version: int | None, draft: bool) -> dict[str, Any]:
    """A graph of the database: the draft, a version, or what calls take."""
    with closing(schema.opened(config.load().database_url)) as store, store.reading() as session:
        found: Flow | None = flows.find(session, account, name)
        if found is None:
            raise FlowError([f"the account {account} has no flow {name}"])
        if draft:
            kept = flows.draft(session, found)
            if kept is None:
                raise FlowError([f"the flow {name} has no draft"])
            return kept.graph
        held = (
            flows.version(session, found, version)
            if version is not None
            else flows.published(session, found, bootstrap.utc_now())
        )
        if held is None:
            raise FlowError([f"the flow {name} has no such version"])
        return held.graph


def read_graph(file: Path) -> dict[str, Any]:
    """A graph from a file, JSON or YAML (which JSON is a part of).

    :raises FlowError: it is neither, or no mapping with nodes.
    """
    try:
        graph = _loaded(_text(file))
    except (YAMLError, ValueError, RecursionError) as error:
        raise FlowError([f"{file}: neither JSON nor YAML: {' '.join(str(error).split())[:200]}"]) from error
    if not isinstance(graph, dict) or not isinstance(graph.get("nodes"), dict):
        raise FlowError([f"{file}: no graph: a mapping with start and nodes"])
    try:
        # Through JSON: dates and other things that YAML makes of words are no part of a graph.
        return dict(json.loads(json.dumps(graph, default=str, allow_nan=False)))
    except (TypeError, ValueError, RecursionError) as error:
        raise FlowError([f"{file}: cannot be written as JSON: {error}"]) from error


def _loaded(text: str) -> Any:
    if text.lstrip().startswith("{"):
        # Most JSON is YAML, but not where it is indented with tabs.
        with suppress(ValueError):
            return json.loads(text)
    return YAML(typ="safe", pure=True).load(text)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise FlowError([f"{file}: cannot be read as UTF-8: {error}"]) from error
