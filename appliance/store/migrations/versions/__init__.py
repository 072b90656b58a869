"""One module a revision, numbered; a released one is never edited, only followed by the next."""
