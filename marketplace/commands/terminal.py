"""What the commands say, and how, on a human's terminal."""

from typing import Annotated

import typer
from rich.console import Console

errors = Console(stderr=True)
Json = Annotated[bool, typer.Option("--json", help="One JSON object on one line instead.")]


def plain(words: str) -> str:
    """Words without control characters."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in words)
