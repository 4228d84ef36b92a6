"""Checks: how the integrity of the world is looked at."""
