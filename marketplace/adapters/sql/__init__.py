"""Durable stores on SQL databases."""
