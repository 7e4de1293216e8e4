"""``python -m kilonova``: the command, for where it is not on the path."""

from kilonova.cli import main

main()
