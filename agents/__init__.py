"""Agents that trade on Parley: guests that see only its public SDK."""
