"""Kills at random moments under load, and what must hold afterwards."""
