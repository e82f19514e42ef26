"""Parley's marketplace: core, ports, services, adapters, API and SDK."""
