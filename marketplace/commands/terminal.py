"""What the commands say, and how, on a human's terminal."""

from typing import Annotated

import typer
from rich.console import Console

from marketplace.commands.plain import plain

__all__ = ["Json", "errors", "plain"]

errors = Console(stderr=True)
Json = Annotated[bool, typer.Option("--json", help="One JSON object on one line instead.")]
