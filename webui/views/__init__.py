"""Pages, a blueprint a subject."""
