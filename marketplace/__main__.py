"""``python -m marketplace`` is the ``parley`` command."""

from marketplace.cli import main

main()
