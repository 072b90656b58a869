"""A carrier that lets nobody in without a digest: it challenges REGISTER and INVITE and checks the answers."""

from __future__ import annotations

import secrets
from typing import Any

from appliance.testphone import Phone
from appliance.testphone.digest import parse_challenge, response
from appliance.testphone.message import Message, new_tag, response_to


class Registrar(Phone):
    """Takes registrations and calls of one user.

    ``refuse`` is the status that registrations get instead, 0: none. ``registered`` are the Contacts that
    registered, ``checked`` the methods whose digest was right, ``wrong`` those whose was not.
    """

    def __init__(self, realm: str, user: str, password: str, **options: Any) -> None:
        super().__init__(**options)
        self.realm, self.user, self.password = realm, user, password
        self.refuse = 0
        self.registered: list[bytes] = []
        self.checked: list[str] = []
        self.wrong: list[str] = []
        self._nonces: set[str] = set()

    def request(self, message: Message, sender: Any, transaction: Any) -> None:
        """See endpoint.Handler."""
        first = message.method in ("REGISTER", "INVITE") and not message.to_tag
        if first and not self._is_right(message):
            proxy = message.method == "INVITE"
            nonce = secrets.token_hex(12)
            self._nonces.add(nonce)
            challenge = f'Digest realm="{self.realm}", nonce="{nonce}", algorithm=MD5, qop="auth"'.encode()
            name = b"Proxy-Authenticate" if proxy else b"WWW-Authenticate"
            status = 407 if proxy else 401
            transaction.respond(response_to(message, status, to_tag=new_tag(), headers=[(name, challenge)]))
        elif message.method == "REGISTER":
            if self.refuse:
                transaction.respond(response_to(message, self.refuse, to_tag=new_tag()))
                return
            contact = message.need("Contact")
            self.registered.append(contact)
            transaction.respond(response_to(message, 200, to_tag=new_tag(), headers=[(b"Contact", contact)]))
        else:
            super().request(message, sender, transaction)

    def _is_right(self, message: Message) -> bool:
        given = message.get("Authorization") or message.get("Proxy-Authorization")
        if given is None:
            return False
        params = parse_challenge(given)
        made = response(params, message.method, params["uri"], self.user, self.password)
        right = (
            params["response"] == made
            and params["nonce"] in self._nonces
            and (params["username"], params["realm"]) == (self.user, self.realm)
        )
        (self.checked if right else self.wrong).append(message.method)
        return right
