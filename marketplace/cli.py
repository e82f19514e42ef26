"""The ``parley`` command.

A command's module is read when it is asked for: a registry that counts no deals starts
without web3, which takes as long to read as all the rest.
"""

import sys
from collections.abc import Sequence
from importlib.metadata import EntryPoint, entry_points

import typer
from rich.text import Text

from marketplace.commands.terminal import errors, plain
from marketplace.core.errors import ParleyError

GROUP = "parley.commands"
OWN = tuple(
    EntryPoint(name, f"marketplace.commands.{name}:{name}", GROUP)
    for name in ("serve", "devnet", "audit")
)


def parley() -> None:
    """Parley: agents that do not trust each other agree on terms and have them settled."""


def build(words: Sequence[str]) -> typer.Typer:
    """The command, with what the first word asks for; else with all that there is to ask for."""
    app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)
    # With it, a command alone goes by its name too.
    app.callback()(parley)
    entries = {entry.name: entry for entry in (*OWN, *entry_points(group=GROUP))}
    asked = [entries[word] for word in words[:1] if word in entries]
    for entry in asked or entries.values():
        app.command(entry.name)(entry.load())
    return app


def main() -> None:
    """Run the command; a named error is one line and exit status 2, never a traceback."""
    try:
        build(sys.argv[1:])()
    except (ParleyError, OSError, RuntimeError) as error:
        errors.print(Text.assemble(("refused ", "bold red"), plain(str(error))), soft_wrap=True)
        sys.exit(2)
