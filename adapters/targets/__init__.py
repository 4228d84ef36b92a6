"""Targets: the systems that hold exposure."""
