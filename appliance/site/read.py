"""Reading a site file: YAML to its typed form, every fault with its line.

The file is composed, not constructed: a word that stands without quotes stays the text it is, so ``021…`` keeps
its zero and ``0.11`` never becomes a binary fraction. Only ``true``, ``false`` and nothing are read as such.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from appliance.site.findings import Finding, Path, SiteFaults
from appliance.site.messages import MESSAGES
from appliance.site.schema import SiteFile

MAX_BYTES = 16 * 1024 * 1024

_TAGS = "tag:yaml.org,2002:"
#: pydantic's own kinds of errors → ours; every other one is raised by ``values`` under our code.
_CODES = {
    "missing": "required",
    "extra_forbidden": "unknown-field",
    "list_type": "must-be-list",
    "dict_type": "must-be-mapping",
    "model_type": "must-be-mapping",
    "model_attributes_type": "must-be-mapping",
    "too_short": "too-few",
}


@dataclass(frozen=True)
class Document:
    """A file that was read: its content, and where each part of it stands."""

    file: str
    text: bytes
    site: SiteFile
    places: Mapping[Path, int]

    def line(self, path: Path) -> int:
        """The line of a field, or of the nearest part around it."""
        return _line(self.places, path)

    def finding(self, path: Path, code: str, **values: object) -> Finding:
        """A fault at a field."""
        return Finding(self.file, self.line(path), path, code, values)


@dataclass
class _Reader:
    file: str
    places: dict[Path, int] = field(default_factory=dict)
    found: list[Finding] = field(default_factory=list)
    _seen: set[int] = field(default_factory=set)

    def fault(self, node: Node, path: Path, code: str, **values: object) -> None:
        self.found.append(Finding(self.file, node.start_mark.line + 1, path, code, values))

    def value(self, node: Node, path: Path) -> Any:
        """What ``node`` holds; its faults are noted and read as nothing."""
        self.places.setdefault(path, node.start_mark.line + 1)
        if id(node) in self._seen:
            # The node is the one that was named before; the alias itself stands here.
            self.found.append(Finding(self.file, self.places[path], path, "yaml.alias"))
            return None
        self._seen.add(id(node))
        if not str(node.tag).startswith(_TAGS):
            self.fault(node, path, "yaml.tag", tag=str(node.tag))
            return None
        match node:
            case MappingNode():
                return self._mapping(node, path)
            case SequenceNode():
                return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
            case ScalarNode() if node.style is None and node.tag == f"{_TAGS}bool":
                return str(node.value).lower() == "true"
            case ScalarNode() if node.style is None and node.tag == f"{_TAGS}null":
                return None
            case _:
                return node.value

    def _mapping(self, node: MappingNode, path: Path) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                self.fault(key, path, "yaml.key")
                continue
            name, here = str(key.value), (*path, str(key.value))
            if name in made:
                self.fault(key, here, "yaml.duplicate-key")
                continue
            self.places[here] = key.start_mark.line + 1
            made[name] = self.value(value, here)
        return made


def read(file: FilePath) -> Document:
    """Read a site file; its parts are not yet checked against each other.

    :raises SiteFaults: it cannot be read, is not YAML, or a field is missing, unknown or wrong.
    """
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise SiteFaults([Finding(str(file), 0, (), "file.unreadable", {"why": error.strerror})]) from error
    return parse(data, str(file))


def parse(data: bytes, file: str) -> Document:
    """Read a site file's content; ``file`` is its name in findings.

    :raises SiteFaults: as ``read``.
    """
    reader = _Reader(file)
    tree = reader.value(_compose(data, file), ())
    if reader.found:
        raise SiteFaults(reader.found)
    try:
        site = SiteFile.model_validate(tree)
    except ValidationError as error:
        raise SiteFaults([_finding(file, reader.places, each) for each in error.errors()]) from error
    return Document(file, data, site, reader.places)


def _compose(data: bytes, file: str) -> Node:
    def refused(code: str, line: int = 0, **values: object) -> SiteFaults:
        return SiteFaults([Finding(file, line, (), code, values)])

    if len(data) > MAX_BYTES:
        raise refused("file.too-large", limit=MAX_BYTES)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise refused("file.not-utf8", data[: error.start].count(b"\n") + 1) from error
    try:
        root = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise refused("yaml.syntax", mark.line + 1 if mark else 0, why=error.problem or error.context) from error
    except YAMLError as error:
        raise refused("yaml.syntax", why=str(error).splitlines()[0]) from error
    except RecursionError as error:
        raise refused("yaml.deep") from error
    if root is None:
        raise refused("file.empty")
    assert isinstance(root, Node)  # noqa: S101 - ruamel is not typed
    return root


def _finding(file: str, places: Mapping[Path, int], error: ErrorDetails) -> Finding:
    """A finding out of pydantic's: its own kinds are given our codes."""
    path = tuple(step for step in error["loc"] if step != "[key]")
    values: dict[str, object] = dict(error.get("ctx") or {})
    code = _CODES.get(error["type"], error["type"])
    if code not in MESSAGES:
        code, values = "invalid", {"why": error["msg"]}
    return Finding(file, _line(places, path), path, code, values)


def _line(places: Mapping[Path, int], path: Path) -> int:
    while path and path not in places:
        path = path[:-1]
    return places.get(path, 0)
