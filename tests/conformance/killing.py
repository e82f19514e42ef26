"""A writer in a process of its own, killed in the middle of its work."""

import os
import signal
import subprocess
import sys
from pathlib import Path

WRITER = Path(__file__).parent / "durable_writer.py"


def start_writer(where: str, prefix: str = "talk") -> subprocess.Popen[bytes]:
    """A process that appends for ever, a line for each digest that is durable."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, str(WRITER), where, prefix]
    return subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)


def said(lines: list[bytes]) -> set[str]:
    """The digests in a writer's lines."""
    # The last line may have been cut while it was written.
    return {line.decode().strip() for line in lines if line.endswith(b"\n")}


def kill_while_writing(where: str, prefix: str = "talk") -> set[str]:
    """What a writer had acknowledged when it was killed."""
    with start_writer(where, prefix) as writer:
        assert writer.stdout is not None
        acknowledged = [writer.stdout.readline() for _ in range(60)]
        writer.send_signal(signal.SIGKILL)
        acknowledged += writer.stdout.readlines()
    return said(acknowledged)
