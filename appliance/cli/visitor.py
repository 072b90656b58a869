"""A visitor of the console without a browser: signs in by the form, follows redirects, keeps cookies."""

from __future__ import annotations

import re
import urllib.error
import urllib.parse
import urllib.request
from http.cookiejar import CookieJar

from appliance.errors import ApplianceError

_TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


class Visitor:
    """One visitor of the console at ``address`` (``http://HOST:PORT``)."""

    def __init__(self, address: str, timeout_s: float = 10.0) -> None:
        self._address = address
        self._timeout_s = timeout_s
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(CookieJar())
        )

    def get(self, path: str) -> str:
        """The page at ``path``.

        :raises ApplianceError: the console is away, or answers with an error.
        """
        return self._open(urllib.request.Request(self._address + path))  # noqa: S310 - our own address

    def sign_in(self, login: str, password: str) -> None:
        """Fill in the form and send it.

        :raises ApplianceError: there is no form, or the console refuses.
        """
        token = _TOKEN.search(self.get("/sign-in"))
        if token is None:
            raise ApplianceError("the console shows no sign-in form")
        fields = {"csrf_token": token[1], "login": login, "password": password}
        data = urllib.parse.urlencode(fields).encode()
        page = self._open(urllib.request.Request(self._address + "/sign-in", data=data))  # noqa: S310
        if _TOKEN.search(page) and 'name="password"' in page:
            raise ApplianceError("the console refuses the sign-in")

    def _open(self, request: urllib.request.Request) -> str:
        try:
            with self._opener.open(request, timeout=self._timeout_s) as answer:
                body: bytes = answer.read()
                return body.decode("utf-8")
        except urllib.error.HTTPError as error:
            raise ApplianceError(f"the console answers {error.code} for {request.selector}") from error
        except OSError as error:
            raise ApplianceError(f"the console is away: {error}") from error
