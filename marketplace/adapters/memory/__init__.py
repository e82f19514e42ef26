"""Adapters that forget: for tests, and the bus of a one-process registry."""
