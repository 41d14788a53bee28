"""The sample town and recorded real input, served over real HTTP on loopback for `make demo` and tests."""
