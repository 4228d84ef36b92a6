"""Benchmarks: Backout's real processes beside the least that the engine could do. Start `python -m bench`."""
