"""Where a prompt's file is: the enterprise's own first, then the default set."""

from __future__ import annotations

import re
from dataclasses import dataclass
from os.path import isfile
from pathlib import Path

from appliance.errors import MediaError

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")
_ACCOUNT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")


def is_prompt_name(text: str) -> bool:
    """Whether a prompt may be called so; the site file's rule is the same."""
    return _NAME.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class PromptLibrary:
    """Prompts by name: ``own_dir/ACCOUNT/NAME.wav`` before ``default_dir/NAME.wav``."""

    own_dir: Path
    default_dir: Path

    def find(self, account: str, name: str) -> Path | None:
        """The prompt's file, or None: there is no such prompt, or the name is none a prompt can have."""
        if not _NAME.fullmatch(name):
            return None
        # Texts, as each step of a call looks here: a Path for each part of the way costs more than the look.
        places = [f"{self.default_dir}/{name}.wav"]
        if _ACCOUNT.fullmatch(account):
            places.insert(0, f"{self.own_dir}/{account}/{name}.wav")
        found = next(filter(isfile, places), None)
        return None if found is None else Path(found)

    def default(self, name: str) -> Path | None:
        """The default set's file of a name, or None."""
        file = self.default_dir / f"{name}.wav"
        return file if is_prompt_name(name) and file.is_file() else None

    def own(self, account: str, name: str) -> Path:
        """Where an account's own prompt of a name lies, or would.

        :raises MediaError: no account or no prompt can have such a name.
        """
        if not _ACCOUNT.fullmatch(account) or not is_prompt_name(name):
            raise MediaError(f"no prompt can be called {account!r}/{name!r}")
        return self.own_dir / account / f"{name}.wav"

    def find_playable(self, account: str, name: str) -> Path | None:
        """As ``find``; the file has been looked into.

        :raises MediaError: it is no sound that can be played; its path.
        """
        import soundfile  # not for the call handlers, which never look into a file

        file = self.find(account, name)
        if file is not None:
            try:
                frames = soundfile.info(str(file)).frames
            except (OSError, soundfile.LibsndfileError) as error:
                raise MediaError(str(file)) from error
            if not frames:
                raise MediaError(str(file))
        return file
