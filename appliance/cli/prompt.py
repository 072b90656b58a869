"""``appliance prompt``: the enterprises' own announcements and menus."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import click

from appliance import bootstrap, config
from appliance.cli.prompt_words import described, version_line
from appliance.config import Settings
from appliance.domain.calendar import SHANGHAI
from appliance.errors import MediaError
from appliance.media import bundle, prompt_check
from appliance.media.announcements import load_catalogue
from appliance.media.faults import PromptFault
from appliance.media.prompt_check import PromptFinding
from appliance.media.prompt_list import Entry, entries, progress, sheet
from appliance.media.prompts import is_prompt_name
from appliance.media.replacing import replacing
from appliance.media.studio import TITLE_LIMIT, Recording, Studio
from appliance.store import schema
from appliance.store.queries import Scope, reading
from appliance.store.queries.prompts import accounts_with_prompts, prompt_uses, prompt_versions
from appliance.store.queries.service import numbers_that_record
from appliance.store.takes import give_code
from appliance.store.unit import Store

BY = "appliance prompt"
ACCOUNT = click.argument("account")
NAME = click.argument("name")


class _Opened(NamedTuple):
    settings: Settings
    store: Store
    studio: Studio


@contextmanager
def _opened() -> Iterator[_Opened]:
    settings = config.load()
    with closing(schema.opened(settings.database_url)) as store:
        yield _Opened(settings, store, bootstrap.build_studio(settings, store))


def _entries(opened: _Opened, account: str) -> list[Entry]:
    """:raises PromptFault: there is no such account."""
    library = opened.studio.shelf.library
    with reading(opened.store, Scope(None)) as reader:
        if account not in dict(accounts_with_prompts(reader)):
            raise PromptFault("unknown-account", account=account)
        versions, uses = prompt_versions(reader, account), prompt_uses(reader, account, bootstrap.utc_now())
    return entries(library, load_catalogue(library.default_dir), account, versions, uses)


def _entry(opened: _Opened, account: str, name: str) -> Entry:
    found = next((one for one in _entries(opened, account) if one.name == name), None)
    if found is None:
        raise PromptFault("unknown-prompt", name=name)
    return found


def _used_by(opened: _Opened, account: str, name: str) -> Sequence[str]:
    return [str(use) for use in _entry(opened, account, name).used_by]


@click.group()
def prompt() -> None:
    """Announcements and menus: list, replace, say, bring back, check, export."""


@prompt.command("list")
@ACCOUNT
def list_prompts(account: str) -> None:
    """List ACCOUNT's prompts: the appliance's announcements, and those of its flows."""
    with _opened() as opened:
        listed = _entries(opened, account)
    for one in listed:
        click.echo(described(one))
    done = progress(listed)
    click.echo(f"{done.recorded} of {done.all} announcements are the account's own recordings")
    if done.recorded < done.all:
        click.echo("the default set is synthetic and for trying only")


@prompt.command("show")
@ACCOUNT
@NAME
def show(account: str, name: str) -> None:
    """Show a prompt: what it says, when it is played, its versions."""
    with _opened() as opened:
        one = _entry(opened, account, name)
    click.echo(described(one))
    if one.announcement is not None:
        click.echo(f"  {one.announcement.english}\n  {one.announcement.when} / {one.announcement.when_english}")
    for use in one.used_by:
        click.echo(f"  played by {use}")
    for version in one.versions:
        click.echo(f"  {version_line(version)}")


@prompt.command("add")
@ACCOUNT
@click.argument("name", required=False)
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--title", help="How the console calls it.")
@click.option(
    "--all",
    "everything",
    type=click.Path(exists=True, path_type=Path),
    help="A folder or a ZIP archive: each file replaces the prompt of its name.",
)
@click.option("--new", is_flag=True, help="With --all: take names, too, that nothing plays yet.")
def add(
    account: str, name: str | None, file: Path | None, title: str | None, everything: Path | None, *, new: bool
) -> None:
    """Make FILE (WAV, MP3, FLAC, OGG) the prompt NAME of ACCOUNT; calls that begin from now on hear it."""
    if everything is not None:
        if name or title:
            raise click.UsageError("--all takes the names from the files")
        _add_all(account, everything, new=new)
        return
    if name is None or file is None:
        raise click.UsageError("NAME and FILE are needed, or --all")
    with _opened() as opened:
        made = opened.studio.add(account, Recording(name, file, file.name), by=BY, title=title)
    click.echo(f"{account}/{name}: {version_line(made)}")


def _add_all(account: str, source: Path, *, new: bool) -> None:
    """Report each one; exit code 5 when any was bad."""
    with _opened() as opened, tempfile.TemporaryDirectory() as unpacked:
        known = {one.name for one in _entries(opened, account)}
        if source.is_dir():
            recordings = bundle.from_folder(source)
        else:
            recordings = bundle.from_zip(source, Path(unpacked), opened.studio.limits.most_bytes)
        good, outcomes = bundle.sorted_out(recordings, known, new=new)
        outcomes += opened.studio.add_all(account, good, by=BY)
    for one in outcomes:
        said = version_line(one.made) if one.made is not None else f"NOT TAKEN: {one.fault}"
        click.echo(f"{one.file_name}: {said}")
    bad = sum(one.fault is not None for one in outcomes)
    if bad:
        raise MediaError(f"{bad} of {len(outcomes)} files were not taken")
    click.echo(f"{len(outcomes)} prompts replaced")


@prompt.command("say")
@ACCOUNT
@NAME
@click.argument("text", required=False)
@click.option("--title", help="How the console calls it.")
def say(account: str, name: str, text: str | None, title: str | None) -> None:
    """Make the prompt NAME by text-to-speech; without TEXT of the catalogue's words. For trying only."""
    with _opened() as opened:
        catalogue = load_catalogue(opened.studio.shelf.library.default_dir)
        words = text if text is not None else getattr(catalogue.announcements.get(name), "text", "")
        made = opened.studio.say(account, name, words, by=BY, title=title)
    click.echo(f"{account}/{name}: {version_line(made)}")


@prompt.command("code")
@ACCOUNT
@NAME
@click.option("--title", default="", help="How the console calls it.")
def code(account: str, name: str, title: str) -> None:
    """Make a code by which the prompt NAME of ACCOUNT is recorded by telephone: once, within 15 minutes."""
    if not is_prompt_name(name):
        raise PromptFault("bad-name", name=name[:60])
    if len(title) > TITLE_LIMIT:
        raise PromptFault("bad-title")
    with _opened() as opened:
        now = bootstrap.utc_now()
        with reading(opened.store, Scope(None)) as reader:
            if account not in dict(accounts_with_prompts(reader)):
                raise PromptFault("unknown-account", account=account)
            numbers = numbers_that_record(reader, account, now)
        given = give_code(opened.settings.journal_file, account, name, title, BY, now)
    click.echo(f"code   {given.digits}  until {given.until.astimezone(SHANGHAI):%H:%M:%S}")
    click.echo(f"dial   {', '.join(numbers) or 'no number leads to a service menu (docs/flow.md)'}")


@prompt.command("restore")
@ACCOUNT
@NAME
@click.option("--version", type=click.IntRange(1), help="This one; default: the one before.")
@click.option("--default", "default", is_flag=True, help="The default set's.")
def restore(account: str, name: str, *, version: int | None, default: bool) -> None:
    """Have calls play an older version of a prompt again, or the default."""
    if default and version is not None:
        raise click.UsageError("--version or --default")
    with _opened() as opened:
        if default:
            opened.studio.use_default(account, name, _used_by(opened, account, name))
            click.echo(f"{account}/{name}: the default is played")
            return
        made = opened.studio.go_back(account, name, version)
    click.echo(f"{account}/{name}: {version_line(made)}")


@prompt.command("remove")
@ACCOUNT
@NAME
def remove(account: str, name: str) -> None:
    """Forget a prompt of ACCOUNT with all its versions; the default is played, where there is one."""
    with _opened() as opened:
        opened.studio.remove(account, name, _used_by(opened, account, name))
    click.echo(f"{account}/{name}: removed")


@prompt.command("check")
def check() -> None:
    """Check that files and database agree, and that whatever calls may play is there; exit code 5 where not."""
    with _opened() as opened:
        findings = list(findings_of(opened.studio))
    for one in findings:
        click.echo(f"{'ok  ' if one.ok else 'BAD '} {one}")
    bad = sum(not one.ok for one in findings)
    if bad:
        raise MediaError(f"{bad} prompts are not as they must be")
    click.echo("all prompts are there, and are those that the database knows")


def findings_of(studio: Studio) -> Iterator[PromptFinding]:
    """What is to be said of every account's prompts, and of the default set."""
    yield from prompt_check.check_defaults(studio.shelf)
    with reading(studio.store, Scope(None)) as reader:
        accounts = [
            (account, prompt_versions(reader, account), prompt_uses(reader, account, bootstrap.utc_now()))
            for account, _ in accounts_with_prompts(reader)
        ]
    for account, versions, uses in accounts:
        yield from prompt_check.check_account(studio.shelf, account, versions, uses)


@prompt.command("export")
@ACCOUNT
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The ZIP file to write."
)
def export(account: str, output: Path) -> None:
    """Write ACCOUNT's own prompts as a ZIP archive, with a sheet for the speaker who records them."""
    with _opened() as opened:
        listed = _entries(opened, account)
    files = [(one.name, one.file) for one in listed if one.is_own and one.file is not None]
    made = bundle.archive(files, sheet(listed))
    try:
        with replacing(output) as part:
            part.write_bytes(made.getvalue())
    except OSError as error:
        raise MediaError(f"{output}: cannot be written: {error.strerror}") from error
    click.echo(f"{output}: {len(files)} prompts and prompts.xlsx, a sheet of {len(listed)}")
