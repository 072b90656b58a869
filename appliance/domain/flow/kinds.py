"""Kinds of fields that a node can have: what is wrong with a value, what it refers to, and its JSON Schema.

A node's dataclass (``nodes``) says each field's kind once; reading a graph, checking it, its published schema, the
exits and the references all follow from that.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from appliance.domain.template import url_fault

KEYS = "0123456789*#"
VARIABLE = re.compile(r"[a-z][a-z0-9_]{0,29}")
_JSON_PATH = re.compile(r"[A-Za-z0-9_-]{1,60}(?:\.[A-Za-z0-9_-]{1,60}){0,9}")
#: As ``template``: every other brace stands for itself, so that JSON may be written as it is.
PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_.-]{0,59})\}")


class Section(StrEnum):
    """What the site holds that a node can refer to."""

    PROMPT = "prompt"
    LINE = "line"
    QUEUE = "queue"
    SCHEDULE = "schedule"
    LIST = "list"
    FLOW = "flow"
    HOOK = "hook"


@dataclass(frozen=True, slots=True)
class Kind(ABC):
    """A kind of field.

    :param optional: empty, as if it was left out, is allowed.
    """

    optional: bool = False

    @abstractmethod
    def check(self, value: Any) -> str:
        """What is wrong with a value, in words; empty: nothing."""

    @abstractmethod
    def schema(self) -> dict[str, Any]:
        """JSON Schema of a value."""

    def read(self, value: Any) -> Any:
        """A checked value as the node holds it."""
        return value

    def exits(self, value: Any) -> Mapping[str, str]:
        """Behind the field's name: exit → node, of a value as the node holds it."""
        return {}

    def refers(self, value: Any) -> Iterable[tuple[Section, str]]:
        """What a value, as the node holds it, refers to."""
        return ()

    def uses(self, value: Any) -> Iterable[str]:
        """Variables that a value fills in."""
        return ()

    def sets(self, value: Any) -> Iterable[str]:
        """Variables that get a value by it."""
        return ()


@dataclass(frozen=True, slots=True)
class Text(Kind):
    """A text, of at most ``most`` characters."""

    most: int = 60

    def check(self, value: Any) -> str:
        """See ``Kind``."""
        if not isinstance(value, str) or not (value or self.optional):
            return "must be a text"
        return f"must be at most {self.most} characters" if len(value) > self.most else ""

    def schema(self) -> dict[str, Any]:
        """See ``Kind``."""
        return {"type": "string", "minLength": 0 if self.optional else 1, "maxLength": self.most}


@dataclass(frozen=True, slots=True)
class Exit(Text):
    """The node that an exit leads to."""

    def exits(self, value: Any) -> Mapping[str, str]:
        """See ``Kind``."""
        return {"": value} if value else {}


@dataclass(frozen=True, slots=True)
class Named(Text):
    """Something of the site, by its id or name."""

    section: Section = Section.PROMPT

    def refers(self, value: Any) -> Iterable[tuple[Section, str]]:
        """See ``Kind``."""
        return ((self.section, value),) if value else ()


@dataclass(frozen=True, slots=True)
class Filled(Text):
    """A text that variables are filled into: ``{caller}``."""

    most: int = 200

    def uses(self, value: Any) -> Iterable[str]:
        """See ``Kind``."""
        return PLACEHOLDER.findall(value)


@dataclass(frozen=True, slots=True)
class Variable(Text):
    """The name of a variable.

    :param is_set: the node gives it a value; else it looks at it.
    """

    is_set: bool = False

    def check(self, value: Any) -> str:
        """See ``Kind``."""
        if isinstance(value, str) and VARIABLE.fullmatch(value):
            return ""
        return "must be a variable's name: a small letter, then small letters, digits and _"

    def schema(self) -> dict[str, Any]:
        """See ``Kind``."""
        return {"type": "string", "pattern": f"^{VARIABLE.pattern}$"}

    def uses(self, value: Any) -> Iterable[str]:
        """See ``Kind``."""
        return () if self.is_set else (value,)

    def sets(self, value: Any) -> Iterable[str]:
        """See ``Kind``."""
        return (value,) if self.is_set else ()


@dataclass(frozen=True, slots=True)
class Url(Filled):
    """An address that is asked; variables may stand behind the host, percent-encoded."""

    most: int = 1000

    def check(self, value: Any) -> str:
        """See ``Kind``."""
        return super(Url, self).check(value) or (
            "must be an address (http:// or https://, a host, no blanks)" if url_fault(value) else ""
        )

    def schema(self) -> dict[str, Any]:
        """See ``Kind``."""
        return super(Url, self).schema() | {"pattern": r"^https?://[^/?#{}@\s]+([/?#][!-~]*)?$"}


@dataclass(frozen=True, slots=True)
class Wanted(Kind):
    """Variable → where its value stands in a JSON answer (``customer.level``)."""

    most: int = 20

    def check(self, value: Any) -> str:
        """See ``Kind``."""
        wrong = f"must map at most {self.most} variables to places in the answer (customer.level)"
        if not isinstance(value, Mapping) or len(value) > self.most:
            return wrong
        good = all(
            isinstance(variable, str)
            and VARIABLE.fullmatch(variable)
            and isinstance(path, str)
            and _JSON_PATH.fullmatch(path)
            for variable, path in value.items()
        )
        return "" if good else wrong

    def schema(self) -> dict[str, Any]:
        """See ``Kind``."""
        return {
            "type": "object",
            "propertyNames": {"pattern": f"^{VARIABLE.pattern}$"},
            "additionalProperties": {"type": "string", "pattern": f"^{_JSON_PATH.pattern}$"},
            "maxProperties": self.most,
        }

    def read(self, value: Any) -> Any:
        """See ``Kind``."""
        return dict(value)

    def sets(self, value: Any) -> Iterable[str]:
        """See ``Kind``."""
        return tuple(value)


@dataclass(frozen=True, slots=True)
class Keys(Kind):
    """Key → the node that it leads to."""

    def check(self, value: Any) -> str:
        """See ``Kind``."""
        if not isinstance(value, Mapping) or not (value or self.optional):
            return "must map keys to nodes"
        wrong = [str(key) for key in value if not isinstance(key, str) or len(key) != 1 or key not in KEYS]
        if wrong:
            return f"not a key (0-9 * #, in quotes): {', '.join(wrong)}"
        return "" if all(isinstance(target, str) for target in value.values()) else "must map keys to nodes"

    def schema(self) -> dict[str, Any]:
        """See ``Kind``."""
        return {
            "type": "object",
            "propertyNames": {"pattern": "^[0-9*#]$"},
            "additionalProperties": Exit().schema(),
            "minProperties": 0 if self.optional else 1,
        }

    def read(self, value: Any) -> Any:
        """See ``Kind``."""
        return dict(value)

    def exits(self, value: Any) -> Mapping[str, str]:
        """See ``Kind``."""
        return {f".{key}": target for key, target in value.items()}


@dataclass(frozen=True, slots=True)
class KeyRow(Kind):
    """Some keys in a row (``12345``), each once."""

    def check(self, value: Any) -> str:
        """See ``Kind``."""
        good = isinstance(value, str) and value and len(set(value)) == len(value) and set(value) <= set(KEYS)
        return "" if good else "must be keys in a row (0-9 * #), each once"

    def schema(self) -> dict[str, Any]:
        """See ``Kind``."""
        return {"type": "string", "pattern": r"^(?!.*(.).*\1)[0-9*#]+$"}


@dataclass(frozen=True, slots=True)
class Cases(Kind):
    """Value → the node that it leads to, the first that fits; ``most`` at most."""

    most: int = 50

    def check(self, value: Any) -> str:
        """See ``Kind``."""
        if not isinstance(value, Mapping) or not value or len(value) > self.most:
            return f"must map 1 to {self.most} values to nodes"
        texts = all(isinstance(text, str) and 0 < len(text) <= 60 for text in (*value, *value.values()))
        return "" if texts else f"must map 1 to {self.most} values to nodes"

    def schema(self) -> dict[str, Any]:
        """See ``Kind``."""
        return {
            "type": "object",
            "propertyNames": {"minLength": 1, "maxLength": 60},
            "additionalProperties": Exit().schema(),
            "minProperties": 1,
            "maxProperties": self.most,
        }

    def read(self, value: Any) -> Any:
        """See ``Kind``."""
        return dict(value)

    def exits(self, value: Any) -> Mapping[str, str]:
        """See ``Kind``."""
        return {f".{case}": target for case, target in value.items()}


@dataclass(frozen=True, slots=True)
class Whole(Kind):
    """A whole number."""

    least: int = 0
    most: int = 99

    def check(self, value: Any) -> str:
        """See ``Kind``."""
        good = isinstance(value, int) and not isinstance(value, bool) and self.least <= value <= self.most
        return "" if good else f"must be {self.least} to {self.most}"

    def schema(self) -> dict[str, Any]:
        """See ``Kind``."""
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


@dataclass(frozen=True, slots=True)
class Seconds(Kind):
    """Seconds, broken ones too."""

    least: int = 1
    most: int = 60

    def check(self, value: Any) -> str:
        """See ``Kind``."""
        good = isinstance(value, int | float) and not isinstance(value, bool) and self.least <= value <= self.most
        return "" if good else f"must be {self.least} to {self.most} seconds"

    def schema(self) -> dict[str, Any]:
        """See ``Kind``."""
        return {"type": "number", "minimum": self.least, "maximum": self.most}


@dataclass(frozen=True, slots=True)
class Flag(Kind):
    """Yes or no."""

    def check(self, value: Any) -> str:
        """See ``Kind``."""
        return "" if isinstance(value, bool) else "must be true or false"

    def schema(self) -> dict[str, Any]:
        """See ``Kind``."""
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class OneOf(Kind):
    """A word of a few."""

    words: tuple[str, ...] = ()
    as_type: type = str

    def check(self, value: Any) -> str:
        """See ``Kind``."""
        good = isinstance(value, str) and value in self.words
        return "" if good else f"must be one of {', '.join(self.words)}"

    def schema(self) -> dict[str, Any]:
        """See ``Kind``."""
        return {"enum": list(self.words)}

    def read(self, value: Any) -> Any:
        """See ``Kind``."""
        return self.as_type(value)


@dataclass(frozen=True, slots=True)
class SomeOf(Kind):
    """Words of a few."""

    words: tuple[str, ...] = ()
    as_type: type = str

    def check(self, value: Any) -> str:
        """See ``Kind``."""
        if isinstance(value, list | tuple) and all(isinstance(one, str) and one in self.words for one in value):
            return ""
        return f"must be a list of {', '.join(self.words)}"

    def schema(self) -> dict[str, Any]:
        """See ``Kind``."""
        return {"type": "array", "items": {"enum": list(self.words)}}

    def read(self, value: Any) -> Any:
        """See ``Kind``."""
        return frozenset(map(self.as_type, value))


@dataclass(frozen=True, slots=True)
class Lines(Kind):
    """Lines by their ids, each once."""

    def check(self, value: Any) -> str:
        """See ``Kind``."""
        if not isinstance(value, list | tuple) or not value or not all(isinstance(item, str) for item in value):
            return "must be a list of lines"
        return "" if len(set(value)) == len(value) else "names a line twice"

    def schema(self) -> dict[str, Any]:
        """See ``Kind``."""
        return {"type": "array", "items": Text().schema(), "minItems": 1, "uniqueItems": True}

    def read(self, value: Any) -> Any:
        """See ``Kind``."""
        return tuple(value)

    def refers(self, value: Any) -> Iterable[tuple[Section, str]]:
        """See ``Kind``."""
        return tuple((Section.LINE, line) for line in value)
