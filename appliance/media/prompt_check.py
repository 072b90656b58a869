"""Do the prompts' files and rows agree, and is everything there that calls may play?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from appliance.media.announcements import load_catalogue
from appliance.media.shelf import Shelf, digest
from appliance.store.queries.prompts import PromptVersion, Use


@dataclass(frozen=True, slots=True)
class PromptFinding:
    """``ok``: to be known, no fault: a file that somebody put there by hand."""

    account: str
    name: str
    ok: bool
    words: str

    def __str__(self) -> str:
        return f"{self.account or 'default set'}/{self.name}: {self.words}"


def check_defaults(shelf: Shelf) -> Iterator[PromptFinding]:
    """The default set has every announcement of the catalogue."""
    for name in load_catalogue(shelf.library.default_dir).announcements:
        if shelf.library.default(name) is None:
            yield PromptFinding("", name, False, "the file is missing")


def check_account(
    shelf: Shelf, account: str, versions: Sequence[PromptVersion], uses: Mapping[str, Sequence[Use]]
) -> Iterator[PromptFinding]:
    """An account's files against its rows, and what its flows play against its files.

    :param versions: all of the account's.
    """
    in_use = {one.name: one for one in versions if one.in_use}
    known = {one.name for one in versions}
    played = dict(shelf.played(account))
    for name, one in in_use.items():
        file = played.get(name)
        if file is None:
            yield PromptFinding(account, name, False, f"version {one.version} is in use and its file is missing")
        elif digest(file) != one.sha256:
            yield PromptFinding(
                account, name, False, f"the file is not version {one.version}, which is said to be in use"
            )
    for name in sorted(set(played) - set(in_use)):
        if name in known:
            yield PromptFinding(account, name, False, "a file is played while the default is said to be in use")
        else:
            yield PromptFinding(account, name, True, "put there by hand: the console does not know where from")
    kept = set(shelf.all_kept(account))
    listed = {(one.name, one.version): one for one in versions}
    for (name, version), one in listed.items():
        if (name, version) not in kept:
            yield PromptFinding(account, name, False, f"the file of version {version} is missing")
        elif digest(shelf.kept(account, name, version)) != one.sha256:
            yield PromptFinding(account, name, False, f"the file of version {version} was changed")
    for name, version in sorted(kept - set(listed)):
        yield PromptFinding(account, name, False, f"a file of version {version}, which the database does not know")
    for name, used_by in sorted(uses.items()):
        if name not in played and shelf.library.default(name) is None:
            yield PromptFinding(
                account, name, False, f"there is no such file; played by {', '.join(map(str, used_by))}"
            )
