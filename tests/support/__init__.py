"""What several tests need and the product does not: audio assertions, ports, processes, SIPp, FreeSWITCH."""
