"""``make bench``: what our call handlers cost, side by side with FreeSWITCH's own dialplan, in one run."""
