"""The site as the switch reads it."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path, PurePath

from appliance.bootstrap.ground import esl_password, utc_now
from appliance.config import Settings
from appliance.domain.routing import Registration
from appliance.errors import SettingsError
from appliance.site import switchconf
from appliance.site.switchparts import needs_freeswitch, parts_of
from appliance.store.bans import Bans
from appliance.store.journal import Journal
from appliance.store.phones import phone_secrets
from appliance.store.routing import load_table
from appliance.store.unit import Store


def render_switch(settings: Settings, folder: Path) -> list[PurePath]:
    """Write the configuration of the switch that the settings name; return the files that changed."""
    password = esl_password(settings)
    with Store(settings.database_url) as store, store.reading() as session:
        table, secrets = load_table(session, utc_now()), phone_secrets(session)
    with contextlib.closing(Journal(settings.journal_file, reads_only=True)) as journal:
        banned = [ban.address for ban in Bans(journal.file).all(utc_now())]
    accept = sorted({address for trunk in table.trunks for address in trunk.accept})
    if settings.switch == "miniswitch":
        if missing := needs_freeswitch(table):
            raise SettingsError("\n".join(missing))
        text = json.dumps(switchconf.render_miniswitch(settings, password, accept), indent=2)
        return switchconf.write({PurePath("miniswitch.json"): text}, folder)
    parts = parts_of(table, secrets, registration_password, banned)
    return switchconf.write(switchconf.render(settings, password, accept, parts=parts), folder)


def registration_password(registration: Registration) -> str:
    """The password by which the box registers at a carrier, from where the site file says.

    :raises SettingsError: it is not there, or cannot be read.
    """
    if registration.password_env:
        found = os.environ.get(registration.password_env, "")
        if not found:
            raise SettingsError(f"{registration.password_env}: not set; a trunk's registration needs it")
        return found
    try:
        return Path(registration.password_file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise SettingsError(f"a trunk's password file {registration.password_file}: {why}") from error
