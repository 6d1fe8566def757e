"""`python -m suppress`: the command line."""

from suppress.cli import main

main()
