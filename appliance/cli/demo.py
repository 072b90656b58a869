"""``appliance demo``: one real call on the embedded switch, each step shown."""

from __future__ import annotations

import asyncio
import shutil
import socket
import time
from pathlib import Path

import click
import soundfile

from appliance import bootstrap, config
from appliance.cli import box
from appliance.cli.demo_call import Plan, place_call, plan_call
from appliance.cli.trial import box_options
from appliance.cli.visitor import Visitor
from appliance.config import Settings
from appliance.domain import money
from appliance.errors import ApplianceError, MediaError, SettingsError
from appliance.ops.supervise import Supervisor
from appliance.site.demo import demo_site
from appliance.store import operators, passwords
from appliance.store.queries import calls, recordings
from appliance.store.queries.call_views import CallDetail
from appliance.store.queries.recordings import RecordingRow
from appliance.store.queries.scope import Scope, reading
from appliance.store.unit import Store
from appliance.testphone import PhoneError

#: How long keeping a recording may take; a second of encoding, and the pauses before it.
_KEPT_WITHIN_S = 20.0


class _Steps:
    """Prints each step with the seconds since the start."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def __call__(self, what: str) -> None:
        click.echo(f"{time.monotonic() - self._began:7.2f} s  {what}")


@click.command()
@box_options("demo", "Made anew; database, recording and logs stay there to be looked at.")
@click.option("--number", help="The 400 number to dial; default: the site's first.")
@click.option("--caller", default="13800138000", show_default=True, help="Who calls.")
@click.option("--talk", default=3.0, show_default=True, help="Seconds of talk.")
def demo(
    site: Path | None, prompts: Path | None, number: str | None, caller: str, talk: float, switch: str, folder: Path
) -> None:
    """Set up a box on free ports, carry one real call, and show what became of it.

    Exit code 0 only when every step was seen.
    """
    steps = _Steps()
    with box.claimed(folder):
        _carry_one_call(folder, site, prompts, number, caller, talk, switch, steps)
    click.echo(f"\nRecording, database and logs: {folder}")
    click.echo("`make run` keeps the appliance up with this site, and tells how to open the console.")


def _carry_one_call(
    folder: Path,
    site: Path | None,
    prompts: Path | None,
    number: str | None,
    caller: str,
    talk: float,
    switch: str,
    steps: _Steps,
) -> None:
    settings = prepare(folder, switch)
    set_up(settings, site, prompts)
    plan = plan_call(bootstrap.routing_table(settings), number)
    login = who_sees(settings, plan.account)
    if login is None:
        raise ApplianceError(f"the site names no operator who sees the calls of {plan.account}")
    steps("site applied")
    with box.running(settings, keep_up=False) as supervisor:
        steps(f"{switch}, call handlers, collector and console are up")
        sip = (settings.sip_host, settings.sip_port)
        try:
            asyncio.run(place_call(plan, sip, caller, talk, steps))
        except PhoneError as error:
            raise ApplianceError(f"the call failed: {error}\n{_last_words(supervisor)}") from error
        stored = _stored_call(settings, supervisor)
        _show(settings, plan, stored, steps)
        _show_in_console(settings, login, stored.row.uuid, steps)
        if supervisor.dead():
            raise ApplianceError(f"ended on its own: {', '.join(supervisor.dead())}\n{_last_words(supervisor)}")
    steps("everything is shut down again")


def prepare(folder: Path, switch: str) -> Settings:
    """Settings of a fresh box in ``folder``, on free ports.

    :raises SettingsError: the folder holds what is not a box's.
    """
    kept = [entry for entry in folder.iterdir() if entry.name != box.LOCK] if folder.exists() else []
    if kept and not (folder / box.SETTINGS).exists():
        raise SettingsError(f"{folder} holds what no box has put there; name a folder that may be emptied")
    for entry in kept:
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    return box.with_free_ports(config.load_apart(folder, switch=switch))


def set_up(settings: Settings, site: Path | None, prompts: Path | None) -> None:
    """Apply the site file, or the demonstration's, after its prompts have been brought to where they belong.

    :raises ApplianceError: a prompt cannot be copied, or the site has faults.
    """
    source = prompts or (site.parent / "prompts" if site else None)
    if source is not None and source.is_dir():
        try:
            shutil.copytree(source, settings.prompts_dir, dirs_exist_ok=True)
        except (OSError, shutil.Error) as error:
            raise MediaError(f"prompts of {source}: {error}") from error
    bootstrap.set_up_site(settings, site or demonstration_site(settings))


def demonstration_site(settings: Settings) -> Path:
    """The demonstration's site file, its two lines on free ports of this machine."""
    first = box.free_port("127.0.0.1", 5090, socket.SOCK_DGRAM)
    second = box.free_port("127.0.0.1", first + 1, socket.SOCK_DGRAM)
    file = settings.state_dir / "site.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(demo_site(0, first, second), encoding="utf-8")
    return file


def _stored_call(settings: Settings, supervisor: Supervisor) -> CallDetail:
    """Wait until the collector has stored and rated the call, both legs.

    :raises ApplianceError: not within 15 seconds.
    """
    store = Store(settings.database_url)
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        with reading(store, Scope(None)) as reader:
            for row in calls.page(reader, calls.CallFilter(), limit=1):
                detail = calls.one(reader, row.uuid)
                if detail is not None and detail.charge is not None and len(detail.legs) > 1:
                    return detail
        time.sleep(0.1)
    raise ApplianceError(f"the call was not stored and rated\n{_last_words(supervisor)}")


def _show(settings: Settings, plan: Plan, call: CallDetail, steps: _Steps) -> None:
    """Print the stored call.

    :raises ApplianceError: it is not what the phones saw.
    """
    row, charge = call.row, call.charge
    if (row.number, row.line_id, row.outcome) != (plan.number, plan.line, "answered") or charge is None:
        raise ApplianceError(f"stored otherwise than it was: {row.number} {row.line_id} {row.outcome}")
    keys = ", ".join(f"{node}={key}" for node, key in row.keys) or "none"
    steps(
        f"stored: {row.caller} to {row.number}, keys {keys}, line {row.line_id}, talk {row.bridged_ms / 1000:.2f} s"
    )
    if plan.recorded and not row.recording:
        raise ApplianceError("the call was not recorded")
    if row.recording:
        kept = _kept(settings, row.uuid)
        file = settings.recordings_dir / kept.file
        try:
            info = soundfile.info(str(file))
        except (OSError, soundfile.LibsndfileError) as error:
            raise ApplianceError(f"no recording: {error}") from error
        if info.channels != 2 or abs(info.duration - row.bridged_ms / 1000) > 0.5:
            raise ApplianceError(f"recording of {info.duration:.2f} s, {info.channels} channels: {file}")
        steps(
            f"recording: {file} ({info.duration:.2f} s, {kept.bytes / 1000:.1f} kB;"
            " left the caller, right the line)"
        )
    if charge.plan is None:
        steps("price: none, the number has no plan")
    else:
        steps(f"price: {money.yuan(charge.amount)} yuan ({charge.plan.code}, {charge.metered_seconds} s metered)")


def _show_in_console(settings: Settings, login: str, uuid: str, steps: _Steps) -> None:
    """Sign in to the console as a browser does, and find the call.

    :raises ApplianceError: it is not there.
    """
    address = f"http://{settings.console_host}:{settings.console_port}"
    visitor = Visitor(address)
    visitor.sign_in(login, new_password(settings, login))
    if uuid not in visitor.get("/api/v1/calls"):
        raise ApplianceError("the console does not show the call")
    steps(f"console: {login} signed in at {address}, the call is there")


def who_sees(settings: Settings, account: str | None = None) -> str | None:
    """See ``store.operators.who_sees``."""
    with Store(settings.database_url).reading() as session:
        return operators.who_sees(session, account)


def new_password(settings: Settings, login: str) -> str:
    """Give an operator a new password and return it."""
    password = passwords.generated()
    with Store(settings.database_url).work() as session:
        passwords.set_password(session, login, password)
        session.commit()
    return password


def _last_words(supervisor: Supervisor) -> str:
    """The end of each part's log."""
    return "\n".join(
        f"--- {name}\n" + "\n".join(supervisor.log(name).splitlines()[-12:])
        for name in ("switch", "handlers", "collector", "console")
    )


def _kept(settings: Settings, call_uuid: str) -> RecordingRow:
    """The call's recording, as soon as it is kept.

    :raises ApplianceError: it is not within a while.
    """
    deadline = time.monotonic() + _KEPT_WITHIN_S
    with Store(settings.database_url) as store:
        while time.monotonic() < deadline:
            with reading(store, Scope(None)) as reader:
                found = recordings.of_call(reader, call_uuid)
            if found and found[0].is_playable:
                return found[0]
            time.sleep(0.1)
    raise ApplianceError("the recording was not kept")
