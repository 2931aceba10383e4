"""Measurements beside the peers, each in a process of its own. Run them all: ``python -m benchmarks``."""
