"""Severity: how bad it is for users, as the playbook says, or as people say in an incident."""

from __future__ import annotations

from enum import StrEnum


class Severity(StrEnum):
    """How bad the scenario is for its users."""

    CRITICAL = "critical"
    MAJOR = "major"
    MINOR = "minor"
