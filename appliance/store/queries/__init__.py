"""Read-only queries of the console and the API. They return frozen values, never rows.

Every query takes a ``Reader``, which carries whose rows may be seen and holds each statement to it
(``scope.py``): a query cannot forget the account, because it never gets to name it.
"""

from appliance.store.queries.scope import Reader, Scope, reading

__all__ = ["Reader", "Scope", "reading"]
