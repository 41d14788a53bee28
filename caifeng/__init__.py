"""Caifeng 采风: hear what the public says about an office's work, grade it openly, answer on time."""

__version__ = "0.1.0"
