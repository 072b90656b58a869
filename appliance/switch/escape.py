"""What may stand in a command to the switch: allow-lists, one for each kind of argument.

FreeSWITCH expands ``${…}`` in every argument (``switch_channel_expand_variables_check``; ``${system …}`` runs a
program), splits arguments at spaces, quotes and backslashes (``switch_separate_string``), reads ``{} [] <> , | ^^``
in dial strings, and an argument's newline begins a new header. So nothing is escaped: what is not plain is
refused, and nothing is sent. Free text of a caller never comes here.

Each function returns its argument as it may be sent, or raises UnsafeArgument.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from appliance.errors import UnsafeArgument

_NUMBER = re.compile(r"\+?[0-9*#]{3,24}", re.ASCII)
_IDENTIFIER = re.compile(r"[A-Za-z0-9._-]{1,40}", re.ASCII)
_HOST_PORT = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?):([0-9]{1,5})", re.ASCII)
_CAUSE = re.compile(r"[A-Z][A-Z0-9_]{1,48}", re.ASCII)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}", re.ASCII)
_PATH = re.compile(r"(?:/[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*)+", re.ASCII)
_SYNTAX = re.compile(r"[$'\"\\`]")
_CODEC = re.compile(r"[A-Z0-9]{1,10}", re.ASCII)
_KEYS = re.compile(r"[0-9*#]{0,12}", re.ASCII)
_EVENT = re.compile(r"[A-Za-z][A-Za-z0-9_:.-]{1,63}", re.ASCII)
_PASSWORD = re.compile(r"[!-~]{1,256}", re.ASCII)
_API = re.compile(r"[ !#%&()*+,./:;=?@A-Z\[\]^_a-z|{}<>0-9~\"-]{1,2000}", re.ASCII)

#: Longest fact: a flow's variables (``domain.flow.values.LONGEST``); others are some hundred characters.
MAX_VALUE = 8000
#: Longest value of a channel variable that we set: all facts of a call, packed.
MAX_PACKED = 24000
#: Longest value of which it is remembered that it is plain. Longer ones are hardly ever the same twice, and
#: thousands of them would hold a hundred megabytes.
_LONGEST_KEPT = 256
#: Delimiters for ``multiset``, the first one that no value holds is taken: those that are read easily in the
#: switch's log, then one that no value can hold.
_DELIMITERS = ";|~!@&\x1f"
#: As ``_DELIMITERS``, for applications: the last one stands in no argument, as ``multiset`` takes another one.
_PIECES = "|~!&\x1e"
#: ``inline_dialplan_hunt``: ``argv[128]``.
MAX_APPLICATIONS = 100
#: ``switch_split`` into ``array[256]`` (mod_dptools ``multiset_function``); more is cut off silently.
MAX_VARIABLES = 200


def number(value: str) -> str:
    """A telephone number as a trunk wants it.

    >>> number("+8613800138000")
    '+8613800138000'
    >>> number("138 0013")
    Traceback (most recent call last):
    appliance.errors.UnsafeArgument: number '138 0013'
    """
    return _checked(_NUMBER, value, "number")


def identifier(value: str) -> str:
    """An id of ours, or the switch's UUID.

    >>> identifier("line-7")
    'line-7'
    """
    return _checked(_IDENTIFIER, value, "id")


def host_port(value: str) -> str:
    """``HOST:PORT``.

    >>> host_port("sip.example.cn:5060")
    'sip.example.cn:5060'
    >>> host_port("127.0.0.1:99999")
    Traceback (most recent call last):
    appliance.errors.UnsafeArgument: HOST:PORT '127.0.0.1:99999'
    """
    found = _HOST_PORT.fullmatch(value)
    if not found or ".." in found[1] or not 0 < int(found[2]) < 65536:
        raise UnsafeArgument(f"HOST:PORT {value[:80]!r}")
    return value


def cause(value: str) -> str:
    """A hang-up cause by FreeSWITCH's name.

    >>> cause("USER_BUSY")
    'USER_BUSY'
    """
    return _checked(_CAUSE, value, "cause")


def codec(value: str) -> str:
    """The name of a codec.

    >>> codec("PCMA")
    'PCMA'
    """
    return _checked(_CODEC, value, "codec")


def keys(pressed: str) -> str:
    """Keys of a telephone, each by itself; none at all is allowed.

    >>> keys("09*#")
    '09*#'
    >>> keys("A")
    Traceback (most recent call last):
    appliance.errors.UnsafeArgument: keys 'A'
    """
    return _checked(_KEYS, pressed, "keys")


@lru_cache(maxsize=256)
def variable(name: str) -> str:
    """The name of a channel variable."""
    return _checked(_VARIABLE, name, "variable")


def media_path(path: Path, *roots: Path) -> str:
    """A file below one of the folders: absolute, plain characters, no ``..``.

    >>> media_path(Path("/srv/prompts/welcome.wav"), Path("/srv/prompts"))
    '/srv/prompts/welcome.wav'
    >>> media_path(Path("/srv/prompts/../key"), Path("/srv/prompts"))
    Traceback (most recent call last):
    appliance.errors.UnsafeArgument: path '/srv/prompts/../key'
    """
    written = str(path)
    if len(written) > 255 or not _PATH.fullmatch(written):
        raise UnsafeArgument(f"path {written[:300]!r}")
    # As texts: nothing that the pattern lets through is written in two ways.
    if not any(written.startswith(f"{root}/") for root in roots):
        raise UnsafeArgument(f"path {written!r} is not below {', '.join(map(str, roots)) or 'any folder'}")
    return written


def api_command(command: str) -> str:
    """One line for ``api``: printable ASCII without ``$``, quotes that group, or backslash."""
    return _checked(_API, command, "api command")


def event_name(name: str) -> str:
    """The name of an event, or of a ``CUSTOM`` event's subclass (``sofia::register``)."""
    return _checked(_EVENT, name, "event")


def password(secret: str) -> str:
    """The event socket's password: one printable word. The error does not repeat it."""
    if not _PASSWORD.fullmatch(secret):
        raise UnsafeArgument("the event socket's password is no printable ASCII word")
    return secret


def value(written: str, most: int = MAX_VALUE) -> str:
    """The value of a variable: any letters, but nothing that means something to the switch.

    >>> value("menu-1=3")
    'menu-1=3'
    >>> value("${system id}")
    Traceback (most recent call last):
    appliance.errors.UnsafeArgument: '$' in value '${system id}'
    """
    if len(written) > most:
        raise UnsafeArgument(f"value of {len(written)} characters")
    return _short_value(written) if len(written) <= _LONGEST_KEPT else _plain_value(written)


def _plain_value(written: str) -> str:
    # Not printable are all control, format and private characters, U+0085, U+2028 and U+2029 among them.
    if not written.isprintable() or _SYNTAX.search(written):
        refused = next(one for one in written if not one.isprintable() or _SYNTAX.match(one))
        raise UnsafeArgument(f"{refused!r} in value {written[:80]!r}")
    if written != written.strip():
        raise UnsafeArgument(f"blank at the edge of value {written[:80]!r}: the switch would strip it")
    return written


_short_value = lru_cache(maxsize=4096)(_plain_value)


def multiset(variables: Mapping[str, str]) -> str:
    """The argument of ``multiset``. An empty value takes the variable away.

    >>> multiset({"gw_facts": "keys=main%3D1&line=a", "hangup_after_bridge": "true"})
    '^^;gw_facts=keys=main%3D1&line=a;hangup_after_bridge=true'
    """
    if not 0 < len(variables) <= MAX_VARIABLES:
        raise UnsafeArgument(f"{len(variables)} variables in one multiset")
    pairs = [f"{variable(name)}={value(written, MAX_PACKED)}" for name, written in variables.items()]
    joined = "".join(pairs)
    delimiter = _unused(_DELIMITERS, joined)
    return f"^^{delimiter}" + delimiter.join(pairs)


def inline(applications: Sequence[tuple[str, str]]) -> str:
    """The argument of ``execute_extension`` that runs applications one after the other.

    Read three times (``exe_function``, ``switch_core_session_execute_exten``, ``inline_dialplan_hunt``): at
    spaces outside quotes, then at the delimiter, then at the first colon. Arguments are made by the functions
    above; here only what would end the quotes or a piece is refused.

    >>> inline([("answer", ""), ("playback", "/srv/prompts/a.wav")])
    "'m:|:answer|playback:/srv/prompts/a.wav' inline"
    """
    if not 0 < len(applications) <= MAX_APPLICATIONS:
        raise UnsafeArgument(f"{len(applications)} applications at once")
    pieces = [f"{variable(name)}:{argument}" if argument else variable(name) for name, argument in applications]
    joined = "".join(pieces)
    if found := _SYNTAX.search(joined):
        raise UnsafeArgument(f"{found[0]!r} in the argument of an application")
    delimiter = _unused(_PIECES, joined)
    return f"'m:{delimiter}:{delimiter.join(pieces)}' inline"


def quoted(argument: str) -> str:
    """One argument of an API command that may hold blanks, in quotes (``switch_separate_string``). It is made by
    the functions above; what would end the quotes is refused.

    >>> quoted("[execute_on_originate_0=limit hash line a 1]sofia/g/1@192.0.2.1:5060")
    "'[execute_on_originate_0=limit hash line a 1]sofia/g/1@192.0.2.1:5060'"
    >>> quoted("a' b")
    Traceback (most recent call last):
    appliance.errors.UnsafeArgument: \"'\" in an argument
    """
    if found := _SYNTAX.search(argument):
        raise UnsafeArgument(f"{found[0]!r} in an argument")
    if not argument.isprintable() or not argument.isascii():
        raise UnsafeArgument(f"argument {argument[:80]!r}")
    return f"'{argument}'"


def _unused(delimiters: str, joined: str) -> str:
    found = next((one for one in delimiters if one not in joined), "")
    if not found:
        raise UnsafeArgument(f"no delimiter is left for {joined[:80]!r}")
    return found


def _checked(pattern: re.Pattern[str], written: str, kind: str) -> str:
    if not pattern.fullmatch(written):
        raise UnsafeArgument(f"{kind} {written[:80]!r}")
    return written
