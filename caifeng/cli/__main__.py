"""`python -m caifeng.cli`."""

from caifeng.cli import main

main()
