"""CDR files of the spool become stored calls, each once.

Calls that the switch took with it when it died have no file; ``lost`` closes those from the handlers' own record of
their start, and a CDR that comes after all replaces what it wrote.
"""
