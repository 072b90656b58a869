"""Builds what refuses addresses that guess SIP phones' passwords, and runs it beside the call handlers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial

from gevent.event import Event

from appliance import bootstrap
from appliance.calls.guard import EVENTS, FILTER, PhoneGuard
from appliance.config import Settings
from appliance.domain.bans import BanRule, networks
from appliance.domain.routing import RoutingTable
from appliance.store.bans import Bans
from appliance.store.journal import Journal
from appliance.switch.client import Client, stay_connected

#: Seconds between two looks for a first phone.
_LOOK_S = 2.0


def guard_phones(
    settings: Settings,
    routing: Callable[[], RoutingTable],
    journal: Journal,
    until: Event,
    run: Callable[[PhoneGuard], object],
) -> None:
    """Listen to the switch from the first SIP phone on, until ``until`` is set: who listens costs the switch fifty
    looks a second.

    :param run: has the guard look again and again.
    """
    while not any(line.is_phone for line in routing().lines.values()):
        if until.wait(_LOOK_S):
            return
    guard = PhoneGuard(rule(settings), Bans(journal.file), partial(put_bans, settings), bootstrap.utc_now)
    run(guard)
    password = bootstrap.esl_password(settings)
    client = partial(Client, settings.esl_host, settings.esl_port, password, settings.command_timeout_s)
    stay_connected(client, lambda connected: connected.subscribe(EVENTS, guard.hear, FILTER), until)


def rule(settings: Settings) -> BanRule:
    """Who is refused, by the settings."""
    return BanRule(
        settings.phone_ban_failures,
        timedelta(seconds=settings.phone_ban_within_s),
        timedelta(seconds=settings.phone_ban_s),
        networks(settings.phone_ban_spare),
    )


def put_bans(settings: Settings, addresses: Sequence[str]) -> None:
    """Have FreeSWITCH refuse SIP phones from just these addresses.

    :raises SwitchError: it is away.
    :raises OSError: its configuration cannot be written.
    """
    file = settings.state_dir / "switch" / "sip" / "banned.xml"
    if not addresses and "deny" not in file.read_text(encoding="utf-8"):
        return  # as it is rendered; the templates need not be loaded
    from appliance.site import switchconf

    switchconf.write(switchconf.render_banned(addresses), settings.state_dir / "switch")
    with bootstrap.switch_api(settings) as api:
        api("reloadxml")
        api("reloadacl")
