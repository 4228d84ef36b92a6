"""TALKING: one vendor, one file; each implements ports of backout.ports."""
