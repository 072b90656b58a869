"""What of a site file the embedded switch has nothing of: registering trunks, translated addresses, keys as tones,
SIP phones, keys in a talk."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.site.findings import Finding, Path
from appliance.site.read import Document


def check_embedded(document: Document) -> Iterator[Finding]:
    """Each thing that needs FreeSWITCH, at its line."""
    for path, what in _asked(document):
        yield document.finding(path, "needs-freeswitch", what=what)


def _asked(document: Document) -> Iterator[tuple[Path, str]]:
    site = document.site
    for at, trunk in enumerate(site.trunks):
        if trunk.registration is not None:
            yield ("trunks", at, "registration"), "registration"
        if trunk.dtmf == "in-band":
            yield ("trunks", at, "dtmf"), "dtmf in-band"
        if trunk.behind_nat:
            yield ("trunks", at, "behind_nat"), "behind_nat"
    for at, line in enumerate(site.lines):
        if line.kind == "phone":
            yield ("lines", at, "kind"), "kind phone"
    for name, keys in (
        ("accounts", [one.talk_keys for one in site.accounts]),
        ("numbers", [one.talk_keys for one in site.numbers]),
    ):
        for at, asked in enumerate(keys):
            if asked is not None and asked.stored():
                yield (name, at, "talk_keys"), "talk_keys"
