"""What of the site the switch's configuration is rendered from: trunks as gateways, and phones.

Passwords come in by a function: they stand in no table, and only what the switch itself reads holds them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from appliance.domain.routing import DtmfMode, Registration, RoutingTable, Trunk
from appliance.errors import SettingsError
from appliance.site import messages

#: What stands in XML, in the authorization that sofia-sip puts together (``scheme:realm:user:password``, 256
#: bytes), and must not be a global variable to the preprocessor (``$${…}``).
_PASSWORD = re.compile(r"[!-~]{1,64}", re.ASCII)
_VARIABLE = "${"


class Gateway(NamedTuple):
    """A trunk that FreeSWITCH looks after: ``proxy`` is HOST:PORT, ``ping_s`` seconds between two OPTIONS (0:
    none), ``registration`` how it registers there and ``password`` with which; None: it is only asked by OPTIONS.
    ``behind_nat``: it sees the box's external address."""

    name: str
    proxy: str
    ping_s: int
    registration: Registration | None = None
    password: str = ""
    behind_nat: bool = False

    @property
    def realm(self) -> str:
        """The realm, where the carrier's is not simply the registrar's name."""
        given = self.registration.realm if self.registration is not None else ""
        return given or self.proxy.rpartition(":")[0]


class Phone(NamedTuple):
    """A SIP phone that may register: its user and digest secret (HA1)."""

    user: str
    secret: str


@dataclass(frozen=True, slots=True)
class SwitchParts:
    """All of it."""

    gateways: tuple[Gateway, ...] = ()
    phones: tuple[Phone, ...] = ()
    has_phones: bool = False
    #: A trunk is reached through an address translation.
    outside: bool = False
    #: Addresses that no phone may register from.
    banned: tuple[str, ...] = ()


NO_PARTS = SwitchParts()


def parts_of(
    table: RoutingTable,
    secrets: Mapping[str, str],
    password_of: Callable[[Registration], str],
    banned: Iterable[str] = (),
) -> SwitchParts:
    """What a routing table asks of FreeSWITCH.

    :param secrets: line → its phone's digest secret; a phone without one cannot register yet.
    :param password_of: reads a registration's password.
    :param banned: addresses that no phone may register from.
    :raises SettingsError: a password is missing, or cannot stand in the configuration.
    """
    phones = [line for line in table.lines.values() if line.is_phone]
    return SwitchParts(
        gateways=tuple(_gateway(trunk, password_of) for trunk in table.trunks if trunk.is_watched),
        phones=tuple(Phone(line.id, secret) for line in phones if (secret := secrets.get(line.id, ""))),
        has_phones=bool(phones),
        outside=any(trunk.behind_nat for trunk in table.trunks),
        banned=tuple(banned),
    )


def _gateway(trunk: Trunk, password_of: Callable[[Registration], str]) -> Gateway:
    if trunk.registration is None:
        return Gateway(trunk.id, trunk.proxy, trunk.ping_seconds, behind_nat=trunk.behind_nat)
    password = password_of(trunk.registration)
    if not _PASSWORD.fullmatch(password) or _VARIABLE in password:
        raise SettingsError(
            f"trunk {trunk.id}: the password must be 1 to 64 printable ASCII characters, no blanks, no {_VARIABLE}"
        )
    return Gateway(trunk.id, trunk.proxy, trunk.ping_seconds, trunk.registration, password, trunk.behind_nat)


def needs_freeswitch(table: RoutingTable) -> list[str]:
    """What of a site the embedded switch has nothing of, in English and Chinese, a line each."""
    asked = [f"trunks/{one.id}: registration" for one in table.trunks if one.registration is not None]
    asked += [f"trunks/{one.id}: dtmf in-band" for one in table.trunks if one.dtmf is DtmfMode.IN_BAND]
    asked += [f"trunks/{one.id}: behind_nat" for one in table.trunks if one.behind_nat]
    asked += [f"lines/{one.id}: kind phone" for one in table.lines.values() if one.is_phone]
    asked += [f"numbers/{one.number}: talk_keys" for one in table.numbers.values() if one.talk_keys]
    return [
        f"{messages.render('needs-freeswitch', {'what': what})} / "
        f"{messages.render('needs-freeswitch', {'what': what}, 'zh')}"
        for what in asked
    ]
