"""The journal: what calls did."""
