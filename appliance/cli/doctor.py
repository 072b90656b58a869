"""``appliance doctor``: is the running switch as it must be?"""

from __future__ import annotations

import click

from appliance import bootstrap, config
from appliance.errors import DoctorError
from appliance.ops import doctor as checks


@click.command()
def doctor() -> None:
    """Check the running switch and say in words what is wrong; exit code 7 when anything is."""
    settings = config.load()
    with bootstrap.switch_api(settings) as api:
        findings = checks.examine(settings, api)
    for finding in findings:
        click.echo(f"{'ok  ' if finding.ok else 'BAD '} {finding.name}: {finding.words}")
    wrong = [finding.name for finding in findings if not finding.ok]
    if wrong:
        raise DoctorError(f"{len(wrong)} of {len(findings)} checks failed: {', '.join(wrong)}")
    click.echo(f"all {len(findings)} checks passed")
