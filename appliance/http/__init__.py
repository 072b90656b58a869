"""Asking other systems over HTTP: one bounded exchange, and flows' lookups behind a circuit breaker."""
