"""Messages to the world outside: taken from the outbox, sent, tried again, and what became of them."""
