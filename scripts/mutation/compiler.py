"""A warm compiler that answers with bytecode alone."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

Json = dict[str, Any]
QUICK: Json = {"viaIR": False, "optimizer": {"enabled": False}}  # the same, slower, made sooner
Codes = dict[str, str]  # creation code in hex by "path:Contract"


class Compiler:
    """Compiles the sources of the tree at `root`, or the same with some of them changed."""

    def __init__(self, root: Path, settings: Json, sources: Mapping[str, bytes]) -> None:
        self._settings = settings | QUICK
        self._sources = {path: source.decode() for path, source in sources.items()}
        self._process = subprocess.Popen(
            ["node", root / "scripts/solc_server.js"],
            cwd=root,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._users: dict[str, list[str]] = {}
        self.original = self._learn()

    def codes(self, path: str, text: str) -> Codes | None:
        """The code of each contract that `path` is part of, were it `text`.

        Returns:
            None if that does not compile.
        """
        wanted: Json = {}
        for contract in self._users.get(path, []):
            file, name = contract.split(":")
            wanted.setdefault(file, {})[name] = ["evm.bytecode.object"]
        answer = self._ask({path: text}, wanted)
        if any(error["severity"] == "error" for error in answer.get("errors", [])):
            return None
        return {name: each["evm"]["bytecode"]["object"] for name, each in contracts(answer)}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End the compiler's process."""
        self._process.__exit__(None, None, None)

    def _learn(self) -> Codes:
        """Compile the original; remember which source is part of which contract."""
        wanted = ["evm.bytecode.object", "evm.methodIdentifiers", "metadata"]
        found = {}
        for name, each in contracts(self._ask({}, {path: {"*": wanted} for path in self._sources})):
            code = each["evm"]["bytecode"]["object"]
            # What is abstract has no code, and a library that is compiled into others no method.
            if code and each["evm"]["methodIdentifiers"]:
                found[name] = code
                for path in json.loads(each["metadata"])["sources"]:
                    self._users.setdefault(path, []).append(name)
        return found

    def _ask(self, changed: Mapping[str, str], wanted: Json) -> Json:
        sources = {path: {"content": text} for path, text in {**self._sources, **changed}.items()}
        settings = self._settings | {"outputSelection": wanted}
        request = {"language": "Solidity", "sources": sources, "settings": settings}
        if self._process.stdin is None or self._process.stdout is None:
            raise AssertionError("both are pipes")
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer: Json = json.loads(self._process.stdout.readline())
        return answer


def contracts(answer: Json) -> list[tuple[str, Json]]:
    """What a compiler's answer says of each contract, by "path:Contract"."""
    return [
        (f"{path}:{name}", each)
        for path, found in answer.get("contracts", {}).items()
        for name, each in found.items()
    ]
