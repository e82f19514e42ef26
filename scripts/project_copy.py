"""A copy of the Solidity project to build in, out of everybody's way."""

import shutil
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from build_contracts import ROOT, provide_compiler

TWO_PROFILES = ("additional_compiler_profiles", "compilation_restrictions")
Faults = Mapping[str, Mapping[str, str]]  # by path, what is replaced by what


class FaultUnplantedError(Exception):
    """A fault does not fit the source any more; the message says which: write it anew."""


def profile() -> dict[str, Any]:
    """The compiler settings of foundry.toml, by forge's names."""
    read = tomllib.loads((ROOT / "foundry.toml").read_text())
    found: dict[str, Any] = read["profile"]["default"]
    return found


def copy_project(
    path: Path, folders: Iterable[str], ignore: Callable[[str, list[str]], set[str]] | None = None
) -> Path:
    """Copy these folders to `path`, anew, with all that forge needs to build them there.

    What forge built there before stays: it knows by their digests what of it is still good.

    Args:
        path: where the copy goes.
        folders: paths below the project.
        ignore: what to leave out, as `shutil.copytree` asks it.

    Returns:
        The copy's compiler: a link that its owner may replace.
    """
    for folder in folders:
        shutil.rmtree(path / folder, ignore_errors=True)
        shutil.copytree(ROOT / folder, path / folder, ignore=ignore)
    (path / "foundry.toml").write_text(one_profile((ROOT / "foundry.toml").read_text()))
    link(path / "node_modules", ROOT / "node_modules")
    compiler: Path = path / profile()["solc"]
    compiler.parent.mkdir(exist_ok=True)
    link(compiler, provide_compiler(ROOT, ROOT / profile()["solc"]).resolve())
    return compiler


def link(path: Path, target: Path) -> None:
    """Have `path` lead to the target, whatever it was."""
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def one_profile(settings: str) -> str:
    """The settings without a compiler profile for the tests: all is compiled once, alike.

    Two artifacts of one contract would be too many for halmos, which then skips both.
    """
    lines = settings.splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith(TWO_PROFILES))


def plant(path: Path, faults: Faults) -> None:
    """Put faults into the copy at `path`: what does not see them sees nothing.

    Raises:
        FaultUnplantedError: a source does not read as its fault expects, exactly once.
    """
    for name, changes in faults.items():
        source = (path / name).read_text()
        for was, now in changes.items():
            if source.count(was) != 1:
                raise FaultUnplantedError(
                    f"{name}: {was!r} is there {source.count(was)} times, not 1"
                )
            source = source.replace(was, now)
        (path / name).write_text(source)


def forge() -> Path:
    """The forge that npm brought for this platform."""
    return next(ROOT.glob("node_modules/@foundry-rs/forge-*/bin/forge"))
