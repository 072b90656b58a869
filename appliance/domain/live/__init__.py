"""The box at one moment (实时状态): which calls there are and where each stands, queues, lines, trunks.

``calls`` tells calls from the switch's legs, ``board`` puts them together with what else is known.
"""
