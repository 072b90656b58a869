"""Who signed in and out, from the journal into the database: the journal forgets after 62 days."""

from __future__ import annotations

from appliance.store import signing_records
from appliance.store.signing import Signings
from appliance.store.unit import Store


class SigningCopy:
    """Copies what is new; one a process. What was copied is known by its place in the journal, and at first by the
    rows themselves: so nothing is copied twice, whoever copied it."""

    def __init__(self, signings: Signings) -> None:
        self._signings = signings
        self._copied = 0

    def keep(self, store: Store) -> None:
        """Copy.

        :raises StoreError: the database is away; it is copied later.
        """
        newest = self._signings.newest()
        if newest < self._copied:
            # All that it had is forgotten, or it was begun anew.
            self._copied = 0
        if newest == self._copied:
            return
        found = self._signings.behind(self._copied)
        with store.work() as session:
            signing_records.write(session, [one for _, one in found])
            session.commit()
        self._copied = max(place for place, _ in found)
