"""What is wrong with a site file, as data: the words come last and in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from appliance.domain.flow.chinese import in_chinese
from appliance.errors import SiteError
from appliance.site.messages import Language, render

Path = tuple[str | int, ...]


def dotted(path: Path) -> str:
    """A path as people write it.

    >>> dotted(("numbers", 0, "subscriptions", 1, "plan"))
    'numbers[0].subscriptions[1].plan'
    """
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault. ``line`` counts from 1 (0: none); ``path`` is empty where no field is meant."""

    file: str
    line: int
    path: Path
    code: str
    values: Mapping[str, object] = field(default_factory=dict)

    def what(self, language: Language = "en") -> str:
        """The fault in words, without its place."""
        if self.code == "flow":
            said = str(self.values["what"])
            return in_chinese(said) if language == "zh" else said
        return render(self.code, self.values, language)

    def text(self, language: Language = "en") -> str:
        """``FILE:LINE: FIELD: what``; line and field stand only where they are known."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        where = dotted(self.path)
        return f"{place}: {where}: {self.what(language)}" if where else f"{place}: {self.what(language)}"


class SiteFaults(SiteError):
    """A site file that is refused; ``items`` are its findings, in the file's order."""

    def __init__(self, items: Iterable[Finding]) -> None:
        self.items = tuple(sorted(items, key=lambda item: item.line))
        super().__init__([item.text() for item in self.items])
