"""DECIDING: pure functions and frozen models; no clock, no I/O, no Temporal."""
