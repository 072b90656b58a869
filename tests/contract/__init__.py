"""One suite of assertions about the port ``Leg``, held by every switch: the fake, the embedded one, FreeSWITCH."""
