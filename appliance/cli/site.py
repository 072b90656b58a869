"""``appliance site``: the site file."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from appliance import bootstrap, config
from appliance.config import Settings
from appliance.domain.calendar import SHANGHAI
from appliance.errors import SiteError, StoreError
from appliance.reference.workdays import is_published
from appliance.site import check as checks
from appliance.site.apply import apply as apply_site
from appliance.site.export import export as export_site
from appliance.site.merge import Report
from appliance.site.read import Document
from appliance.site.schema import SiteFile
from appliance.store import schema
from appliance.store.routing import load_table
from appliance.store.snapshot import write_snapshot
from appliance.store.unit import Store

FILE = click.argument("file", type=click.Path(path_type=Path))


@click.group("site")
def site() -> None:
    """The site file: check it, apply it, export what is stored."""


@site.command("check")
@FILE
def check(file: Path) -> None:
    """Check FILE for every fault; nothing is changed and no database is needed."""
    content = _load(config.load(), file).site
    _warn(content)
    click.echo(
        f"{file}: no fault: {len(content.accounts)} accounts, {len(content.numbers)} numbers, "
        f"{len(content.lines)} lines, {len(content.plans)} plans"
    )


@site.command("apply")
@FILE
@click.option("--prune", is_flag=True, help="Remove what the file does not name, as far as no call depends on it.")
@click.option("--dry-run", is_flag=True, help="Say what would change; change nothing.")
def apply(file: Path, *, prune: bool, dry_run: bool) -> None:
    """Make the stored site what FILE says: all of it, or with any fault nothing."""
    settings = config.load()
    document = _load(settings, file)
    with schema.opened(settings.database_url) as store:
        report = apply_site(store, document, now=bootstrap.utc_now(), prune=prune, dry_run=dry_run)
        _say(report)
        if report.changed and not dry_run:
            _keep_snapshot(settings, store)


@site.command("export")
@click.option("--output", type=click.Path(path_type=Path), help="Write here instead of standard output.")
def export(output: Path | None) -> None:
    """Write the stored site as a site file, without passwords; applied again it changes nothing."""
    with schema.opened(config.load().database_url) as store, store.reading() as session:
        text = export_site(session, bootstrap.utc_now())
    if output is None:
        click.echo(text, nl=False)
        return
    _write(output, text)
    click.echo(f"{output}: written")


def _load(settings: Settings, file: Path) -> Document:
    return checks.load(file, bootstrap.prompt_library(settings).find_playable, settings.switch)


def _say(report: Report) -> None:
    for change in report.changes:
        click.echo(change.text())
    counted = ", ".join(
        f"{count} {kind}{'s' if count > 1 else ''} {action}"
        for (kind, action), count in sorted(report.counts().items())
    )
    if not report.changed:
        click.echo(f"nothing changed (revision {report.revision})")
    elif report.dry_run:
        click.echo(f"would be: {counted}; nothing was changed (revision {report.revision})")
    else:
        click.echo(f"{counted} (revision {report.revision})")


def _warn(content: SiteFile) -> None:
    """What is no fault and may yet turn callers away. The next year's days off are published in November."""
    today = bootstrap.utc_now().astimezone(SHANGHAI).date()
    years = {today.year, today.year + (today.month == 12)}
    if all(schedule.holidays == "open" for schedule in content.schedules):
        return
    for year in sorted(years):
        if not is_published(year) and not any(day.startswith(str(year)) for day in content.calendar):
            click.echo(
                f"appliance: warning: {year}'s worked weekends (调休) are not known here: add them to `calendar`",
                err=True,
            )


def _keep_snapshot(settings: Settings, store: Store) -> None:
    """The fallback's copy at once: handlers that are down cannot write it."""
    try:
        with store.reading() as session:
            write_snapshot(load_table(session, bootstrap.utc_now()), settings.snapshot_file)
    except StoreError as error:
        # The site is applied; the handlers write the copy within a second.
        click.echo(f"appliance: warning: {error}", err=True)


def _write(output: Path, text: str) -> None:
    """:raises SiteError: the file cannot be written; an old one stays."""
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=output.parent, prefix=f".{output.name}-", delete=False
        ) as part:
            part.write(text)
        try:
            Path(part.name).replace(output)
        except OSError:
            Path(part.name).unlink()
            raise
    except OSError as error:
        raise SiteError([f"{output}: cannot be written: {error.strerror}"]) from error
