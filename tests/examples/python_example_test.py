"""client/examples/python against a real gateway and the clients of python3-websockets."""

import os
import sys
import unittest

import websockets

from example_contract import ExampleContract
from support import ProcessTestCase, built


class PythonExample(ExampleContract, ProcessTestCase):
    def command(self):
        return [sys.executable, os.path.join(built("PYTHON_EXAMPLE"), "echo_backend.py")]

    async def talk(self, url, text, binary):
        async with websockets.connect(url) as socket:
            await socket.send(text)
            text_answer = await socket.recv()
            await socket.send(binary)
            return text_answer, await socket.recv()


if __name__ == "__main__":
    unittest.main(verbosity=2)
