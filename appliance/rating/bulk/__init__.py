"""Bulk rating: the rules of ``domain`` as expressions over whole tables (Ibis), for files of millions of calls.

``blocks`` cuts a file into lines, ``parse`` reads them into typed columns, ``tables`` lays out the price book,
``expressions`` has the rules, ``engines`` the databases that compute them, ``output`` the written form, and
``files`` goes from file to file. The expressions take Ibis tables, whatever these come from.

The definition stays the plain loop (``rating.files.rate``); tests hold the two equal to the byte.
"""
