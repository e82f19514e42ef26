"""The ``parley`` command.

What a command needs is read when it is asked for. ``verify`` does without even the others'
framework: a stranger should get its answer at once, and be able to read what gave it.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from typer import Typer

APP = "marketplace.commands.app"
PLAIN = {"verify": "marketplace.commands.verify"}


def build(words: Sequence[str]) -> "Typer":
    """The command, with what the first word asks for; else with all that there is to ask for."""
    return cast("Typer", import_module(APP).build(words))


def main() -> None:
    """Run the command; a named error is one line and exit status 2, never a traceback."""
    words = sys.argv[1:]
    module = import_module(PLAIN.get(words[0], APP) if words else APP)
    module.main(words)
