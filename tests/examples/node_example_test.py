"""client/examples/node against a real gateway and the client of npm's `ws`."""

import os
import unittest

from example_contract import ExampleContract, answers_of
from support import ProcessTestCase, built


class NodeExample(ExampleContract, ProcessTestCase):
    def command(self):
        return ["node", os.path.join(built("NODE_EXAMPLE"), "echo_backend.js")]

    async def talk(self, url, text, binary):
        talk = os.path.join(built("STOCK_CLIENT"), "talk.js")
        code, out, err = await self.run_to_end("node", talk, url, text, binary.hex())
        self.assertEqual(code, 0, err)
        return answers_of(out)


if __name__ == "__main__":
    unittest.main(verbosity=2)
