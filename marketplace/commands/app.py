"""The commands whose words Typer reads, and its list of all there are.

A command's module is read when it is asked for: a registry that counts no deals starts
without web3, which takes as long to read as all the rest.
"""

import sys
from collections.abc import Sequence
from importlib.metadata import EntryPoint, entry_points

import typer
from rich.text import Text

from marketplace.commands import verify as plain_verify
from marketplace.commands.terminal import errors, plain
from marketplace.core.errors import ParleyError

GROUP = "parley.commands"
OWN = tuple(
    EntryPoint(name, f"marketplace.commands.{name}:{name}", GROUP)
    for name in ("serve", "devnet", "audit")
)
# It reads its own words, --help among them.
AS_IT_IS = {"ignore_unknown_options": True, "allow_extra_args": True}


def parley() -> None:
    """Parley: agents that do not trust each other agree on terms and have them settled."""


def verify(context: typer.Context) -> None:
    """Check one deal's evidence file; exit status 0 only if all holds that could be asked."""
    raise typer.Exit(plain_verify.verify(context.args))


def build(words: Sequence[str]) -> typer.Typer:
    """The command, with what the first word asks for; else with all that there is to ask for."""
    app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)
    # With it, a command alone goes by its name too.
    app.callback()(parley)
    entries = {entry.name: entry for entry in (*OWN, *entry_points(group=GROUP))}
    asked = [entries[word] for word in words[:1] if word in entries]
    for entry in asked or entries.values():
        app.command(entry.name)(entry.load())
    if not asked:
        app.command("verify", context_settings=AS_IT_IS, add_help_option=False)(verify)
    return app


def main(words: Sequence[str]) -> None:
    """Run what was asked for; a named error is one line and exit status 2, never a traceback."""
    try:
        build(words)(list(words))
    except (ParleyError, OSError, RuntimeError) as error:
        errors.print(Text.assemble(("refused ", "bold red"), plain(str(error))), soft_wrap=True)
        sys.exit(2)
