"""Digest authentication with MD5 (RFC 2617, as RFC 3261 section 22 uses it)."""

from __future__ import annotations

import hashlib
import re
import secrets

from appliance.testphone.errors import MessageError

_PARAM = re.compile(r'(\w+)\s*=\s*(?:"([^"]*)"|([^\s,]+))')


def parse_challenge(value: bytes) -> dict[str, str]:
    """The parameters of a ``Digest`` challenge or authorization, names in lower case.

    Raises MessageError for another scheme.
    """
    scheme, _, rest = value.decode("latin-1").strip().partition(" ")
    if scheme.lower() != "digest":
        raise MessageError(f"authentication scheme {scheme!r}")
    return {name.lower(): quoted or bare for name, quoted, bare in _PARAM.findall(rest)}


def response(params: dict[str, str], method: str, uri: str, user: str, password: str) -> str:
    """The ``response`` value for realm, nonce and, when qop is used, nc and cnonce in ``params``.

    >>> response({"realm": "r", "nonce": "n"}, "REGISTER", "sip:h", "u", "p")
    'f7949f33797a7abbe390eaa95b1ca294'
    """
    secret = _md5(f"{user}:{params['realm']}:{password}")
    request = _md5(f"{method}:{uri}")
    if "qop" in params:
        middle = f"{params['nonce']}:{params['nc']}:{params['cnonce']}:{params['qop']}"
    else:
        middle = params["nonce"]
    return _md5(f"{secret}:{middle}:{request}")


def authorization(challenge: bytes, method: str, uri: str, user: str, password: str) -> bytes:
    """The Authorization value that answers ``challenge``.

    Raises MessageError for an algorithm other than MD5, or when ``auth`` is not among the offered qop.
    """
    params = parse_challenge(challenge)
    if params.get("algorithm", "MD5").upper() != "MD5" or "nonce" not in params or "realm" not in params:
        raise MessageError(f"challenge {challenge!r}")
    offered = [word.strip() for word in params.pop("qop", "").split(",") if word.strip()]
    if offered and "auth" not in offered:
        raise MessageError(f"qop {offered!r}")
    if offered:
        params |= {"qop": "auth", "nc": "00000001", "cnonce": secrets.token_hex(8)}
    quoted = {"username": user, "realm": params["realm"], "nonce": params["nonce"], "uri": uri}
    quoted["response"] = response(params, method, uri, user, password)
    if "opaque" in params:
        quoted["opaque"] = params["opaque"]
    parts = [f'{name}="{value}"' for name, value in quoted.items()] + ["algorithm=MD5"]
    if offered:
        parts += ["qop=auth", "nc=00000001", f'cnonce="{params["cnonce"]}"']
    return ("Digest " + ", ".join(parts)).encode("latin-1")


def _md5(text: str) -> str:
    return hashlib.md5(text.encode("latin-1"), usedforsecurity=False).hexdigest()
