"""Probes: how the service itself is asked which release answers."""
