"""A carrier's bill against our calls: read its file whatever it looks like, match, list what differs."""
