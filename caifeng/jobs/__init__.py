"""Use-cases: read, call a pure function, check the contract, replace one partition. One file per step.

This package is light on purpose: DAG files import it at parse time, and Polars must not be imported before a
task forks (docs/decisions/0011-forks-and-polars.md). Import the steps inside tasks.
"""
