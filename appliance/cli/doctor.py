"""``appliance doctor``: is the running switch as it must be?"""

from __future__ import annotations

import click

from appliance import bootstrap, config
from appliance.cli.prompt import findings_of
from appliance.config import Settings
from appliance.errors import ApplianceError, DoctorError
from appliance.ops import doctor as checks
from appliance.ops.doctor import Finding
from appliance.store import schema


@click.command()
def doctor() -> None:
    """Check the running switch and say in words what is wrong; exit code 7 when anything is."""
    settings = config.load()
    with bootstrap.switch_api(settings) as api:
        findings = [*checks.examine(settings, api), _prompts(settings)]
    for finding in findings:
        click.echo(f"{'ok  ' if finding.ok else 'BAD '} {finding.name}: {finding.words}")
    wrong = [finding.name for finding in findings if not finding.ok]
    if wrong:
        raise DoctorError(f"{len(wrong)} of {len(findings)} checks failed: {', '.join(wrong)}")
    click.echo(f"all {len(findings)} checks passed")


def _prompts(settings: Settings) -> Finding:
    """Files and database agree, and whatever calls may play is there."""
    try:
        with schema.opened(settings.database_url) as store:
            found = list(findings_of(bootstrap.build_studio(settings, store)))
    except ApplianceError as error:
        return Finding("prompts", False, f"could not be checked: {error}")
    bad = [str(one) for one in found if not one.ok]
    if bad:
        more = f", and {len(bad) - 3} more" if len(bad) > 3 else ""
        return Finding("prompts", False, f"{'; '.join(bad[:3])}{more}: see `appliance prompt check`")
    by_hand = f", {len(found)} of them put there by hand" if found else ""
    return Finding("prompts", True, f"all are there{by_hand}")
