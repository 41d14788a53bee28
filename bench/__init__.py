"""Benchmarks: one JSON line each, ratios from one run, because machines are noisy."""
