"""What the tests of the real binaries share: processes whose lines can be waited for, and a gateway
on ports of its own. Nothing here sleeps: each wait is for a condition, and says what it saw else."""

import asyncio
import http.client
import logging
import os
import re
import signal
import unittest

# The longest that anything waited for may take on a machine that is busy with other tests.
PATIENCE_SECONDS = 10

# IsolatedAsyncioTestCase runs asyncio in its debug mode, which tells of each slow callback; on a
# busy machine that is noise.
logging.getLogger("asyncio").setLevel(logging.ERROR)


def built(name):
    """The path that tests/examples/CMakeLists.txt gives for `name`, e.g. "GATEWAY"."""
    return os.environ["TEST_" + name]


def clean_environment(**more):
    """This process's environment without what would change the programs under test."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("LONGWIRE_") and not name.lower().endswith("_proxy")
    }
    return {**kept, **more}


async def get(address, path):
    """The status, content type and body of an HTTP GET."""

    def ask():
        connection = http.client.HTTPConnection(address, timeout=PATIENCE_SECONDS)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.getheader("Content-Type"), answer.read().decode()
        finally:
            connection.close()

    return await asyncio.to_thread(ask)


class Lines:
    """The lines of one output stream, as they come."""

    def __init__(self, name, reader):
        self._name = name
        self._lines = []
        self._next = 0  # where the next expect() begins
        self._grown = asyncio.Condition()
        self._ended = False
        self._task = asyncio.create_task(self._read(reader))

    async def _read(self, reader):
        while line := await reader.readline():
            async with self._grown:
                self._lines.append(line.decode(errors="replace").rstrip("\n"))
                self._grown.notify_all()
        async with self._grown:
            self._ended = True
            self._grown.notify_all()

    def _find(self, pattern):
        for index in range(self._next, len(self._lines)):
            if match := re.search(pattern, self._lines[index]):
                self._next = index + 1
                return match
        return None

    async def expect(self, pattern):
        """The match of the first line that has `pattern`, behind the one expected before."""
        found = None

        def is_over():
            nonlocal found
            found = self._find(pattern)
            return found or self._ended

        try:
            async with self._grown:
                await asyncio.wait_for(self._grown.wait_for(is_over), PATIENCE_SECONDS)
        except asyncio.TimeoutError:
            pass
        if not found:
            seen = "\n  ".join(self._lines) or "(nothing)"
            raise AssertionError(f"{self._name} printed no line with {pattern!r}, but\n  {seen}")
        return found

    def seen(self):
        """The lines that have come so far."""
        return list(self._lines)

    async def all(self):
        """Every line, once the stream has ended."""
        await self._task
        return self._lines


class Process:
    def __init__(self, name, process):
        self._process = process
        self._name = name
        self.out = Lines(name, process.stdout)
        self.err = Lines(name + " (stderr)", process.stderr)

    @property
    def pid(self):
        return self._process.pid

    def signal(self, number):
        self._process.send_signal(number)

    async def exit_code(self):
        try:
            return await asyncio.wait_for(self._process.wait(), PATIENCE_SECONDS)
        except asyncio.TimeoutError:
            raise AssertionError(f"{self._name} did not end") from None

    async def stop(self):
        """SIGTERM; the exit code."""
        if self._process.returncode is None:
            self.signal(signal.SIGTERM)
        return await self.exit_code()

    async def discard(self):
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        await self.out.all()
        await self.err.all()


class Gateway:
    """A running longwire-gateway and the endpoints that it printed."""

    def __init__(self, process, ws, grpc, admin):
        self.process = process
        self.ws, self.grpc, self.admin = ws, grpc, admin
        self.url = f"ws://{ws}/"


class ProcessTestCase(unittest.IsolatedAsyncioTestCase):
    """Ends every process that a test started, also when the test fails."""

    async def start(self, *command, environment=None, stdin=""):
        """Starts a program; `stdin` is all it can read, or None for a stdin that stays open."""
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=clean_environment(**(environment or {})),
        )
        started = Process(os.path.basename(command[0]), process)
        self.addAsyncCleanup(started.discard)
        if stdin is not None:
            process.stdin.write(stdin.encode())
            process.stdin.close()
        return started

    async def run_to_end(self, *command, **how):
        """Runs a program. Returns its exit code, its output and its errors, each as one text."""
        process = await self.start(*command, **how)
        code = await process.exit_code()
        return code, "\n".join(await process.out.all()), "\n".join(await process.err.all())

    async def start_gateway(self, *flags, ws="127.0.0.1:0", grpc="127.0.0.1:0"):
        process = await self.start(
            built("GATEWAY"),
            f"--ws-listen={ws}",
            f"--grpc-listen={grpc}",
            "--admin-listen=127.0.0.1:0",
            "--threads=2",
            *flags,
        )
        endpoints = [
            (await process.out.expect(rf"^{port} listening on (\S+)$")).group(1)
            for port in ("ws", "grpc", "admin")
        ]
        return Gateway(process, *endpoints)

    async def restart_gateway(self, gateway, *flags):
        """Ends the gateway and starts another on the same ports."""
        self.assertEqual(await gateway.process.stop(), 0)
        return await self.start_gateway(*flags, ws=gateway.ws, grpc=gateway.grpc)
