"""Calls are priced: those of the box as they are collected, those of files on request.

The price of one call is ``domain.pricing``'s and nowhere else's; here it is fed and its charges are kept.
"""
