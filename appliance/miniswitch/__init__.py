"""The embedded switch: a small stand-in for FreeSWITCH, for trying the appliance and for its tests.

It speaks SIP by sippy, sends and receives RTP by rtpsynth, and offers the part of FreeSWITCH's event
socket that `docs/switch-contract.md` lists, in FreeSWITCH's own form. It imports nothing else of the
appliance and must never carry a customer's calls: one process, one media thread, no encryption.

Threads: sippy's loop (the main thread) owns all SIP; one media thread ticks every 20 ms; every call
has a thread that runs its dialplan, as a FreeSWITCH session does; every event socket has a reader.
"""
