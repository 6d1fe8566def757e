"""Builders, servers and processes that tests share."""
