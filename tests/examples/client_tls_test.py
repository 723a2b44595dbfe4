"""The `longwire` command line against servers that speak TLS and want tokens: whom it trusts, what
it shows of itself, and what it says when that is not enough."""

import asyncio
import http
import logging
import os
import queue
import ssl
import sys
import threading
import unittest
import warnings
from concurrent import futures

# The servers here are refused on purpose, and would tell of it at length.
os.environ["GRPC_VERBOSITY"] = "NONE"

import grpc
import websockets

from certificates import Certificates
from support import PATIENCE_SECONDS, ProcessTestCase, built

logging.getLogger("asyncio").setLevel(logging.CRITICAL)


class TlsTestCase(ProcessTestCase):
    @classmethod
    def setUpClass(cls):
        cls.files = Certificates()
        cls.addClassCleanup(cls.files.remove)
        cls.files.make_ca("ca")
        cls.files.make_ca("other_ca")
        cls.files.make("localhost", "ca", "DNS:localhost")
        cls.files.make("address", "ca", "IP:127.0.0.1")
        cls.files.make("client", "ca", "DNS:backend")
        cls.ca = cls.files.path("ca.pem")
        cls.other_ca = cls.files.path("other_ca.pem")

    async def longwire(self, *arguments, **environment):
        return await self.run_to_end(built("CLI"), *arguments, environment=environment)

    async def assert_refused(self, arguments, *texts, code=1, **environment):
        """The command fails, and its errors say all of this."""
        got, out, err = await self.longwire(*arguments, **environment)
        self.assertEqual((got, out), (code, ""), err)
        for text in texts:
            self.assertIn(text, err)


class Connect(TlsTestCase):
    async def serve(self, certificate=None, change=lambda context: None, **how):
        """An echo server, over TLS if it has a certificate. Returns its port."""
        self.handshakes = []
        self.server_names = []

        async def echo(socket):
            self.handshakes.append(socket.request_headers)
            async for message in socket:
                if message == "close":
                    return await socket.close(4001, "away")
                await socket.send(message)

        context = None
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(
                self.files.path(certificate + ".pem"), self.files.path(certificate + ".key")
            )
            context.sni_callback = lambda socket, name, context: self.server_names.append(name)
            change(context)
        server = await websockets.serve(echo, "127.0.0.1", 0, ssl=context, **how)
        self.addAsyncCleanup(server.wait_closed)
        self.addCleanup(server.close)
        return server.sockets[0].getsockname()[1]

    def connect(self, url, *flags):
        return ["connect", url, "--send=hello", "--count=1", "--for=10s", *flags]

    async def assert_echoes(self, arguments, **environment):
        code, out, err = await self.longwire(*arguments, **environment)
        self.assertEqual((code, out), (0, "hello"), err)

    async def test_the_right_ca_connects_and_names_the_host(self):
        port = await self.serve("localhost")
        url = f"wss://localhost:{port}/"
        await self.assert_echoes(self.connect(url, "--tls-ca", self.ca))
        await self.assert_echoes(self.connect(url), LONGWIRE_TLS_CA=self.ca)
        self.assertEqual(self.server_names, ["localhost", "localhost"])

    async def test_a_certificate_may_be_for_an_address_which_is_not_named(self):
        port = await self.serve("address")
        await self.assert_echoes(self.connect(f"wss://127.0.0.1:{port}/", "--tls-ca", self.ca))
        self.assertEqual(self.server_names, [None])

    async def test_another_ca_is_refused(self):
        port = await self.serve("localhost")
        url = f"wss://localhost:{port}/"
        for flags in (["--tls-ca", self.other_ca], []):
            with self.subTest(flags=flags):
                await self.assert_refused(
                    self.connect(url, *flags), url, "its certificate is not to be trusted", "CA"
                )
        self.assertEqual(self.handshakes, [])

    async def test_a_certificate_for_another_host_is_refused_unless_it_is_named(self):
        port = await self.serve("localhost")
        url = f"wss://127.0.0.1:{port}/"
        await self.assert_refused(
            self.connect(url, "--tls-ca", self.ca),
            "its certificate is not for 127.0.0.1 but for localhost",
            "--tls-server-name",
        )
        await self.assert_refused(
            self.connect(url, "--tls-ca", self.ca, "--tls-server-name", "example.org"),
            "its certificate is not for example.org but for localhost",
        )
        self.assertEqual(self.handshakes, [])
        await self.assert_echoes(
            self.connect(url, "--tls-ca", self.ca, "--tls-server-name", "localhost")
        )

        port = await self.serve("address")
        await self.assert_refused(
            self.connect(f"wss://localhost:{port}/", "--tls-ca", self.ca),
            "its certificate is not for localhost but for 127.0.0.1",
        )

    async def test_a_server_without_tls_is_refused(self):
        port = await self.serve()
        await self.assert_refused(
            self.connect(f"wss://127.0.0.1:{port}/", "--tls-ca", self.ca), "TLS", "ws://"
        )

        async def hang_up(reader, writer):
            writer.close()

        mute = await asyncio.start_server(hang_up, "127.0.0.1", 0)
        self.addCleanup(mute.close)
        port = mute.sockets[0].getsockname()[1]
        await self.assert_refused(
            self.connect(f"wss://127.0.0.1:{port}/", "--tls-ca", self.ca), "TLS handshake"
        )

    async def test_a_server_with_tls_is_not_taken_for_one_without(self):
        port = await self.serve("localhost")
        await self.assert_refused(self.connect(f"ws://localhost:{port}/"), "wss://")

    async def test_tls_older_than_1_2_is_refused(self):
        def grow_old(context):
            context.set_ciphers("ALL:@SECLEVEL=0")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                context.minimum_version = ssl.TLSVersion.TLSv1
                context.maximum_version = ssl.TLSVersion.TLSv1_1

        port = await self.serve("localhost", grow_old)
        await self.assert_refused(
            self.connect(f"wss://localhost:{port}/", "--tls-ca", self.ca), "TLS handshake"
        )
        self.assertEqual(self.handshakes, [])

    async def test_a_close_is_told_as_it_is_without_tls(self):
        port = await self.serve("localhost")
        code, out, err = await self.longwire(
            *("connect", f"wss://localhost:{port}/", "--tls-ca", self.ca, "--send=close")
        )
        self.assertEqual((code, out), (1, ""), err)
        self.assertRegex(err, r'closed by the gateway: 4001.*"away"')

    async def test_sends_the_token_of_a_user_and_no_other(self):
        port = await self.serve("localhost")
        url = f"wss://localhost:{port}/"
        user = self.files.write("user", "of-a-user\n")
        backend = self.files.write("backend", "of-the-backend\n")
        await self.assert_echoes(
            self.connect(url, "--tls-ca", self.ca, "--user-token-file", user),
            LONGWIRE_TOKEN_FILE=backend,
        )
        await self.assert_echoes(
            self.connect(url, "--tls-ca", self.ca), LONGWIRE_TOKEN_FILE=backend
        )
        self.assertEqual(
            [headers.get("Authorization") for headers in self.handshakes],
            ["Bearer of-a-user", None],
        )

    async def test_a_gateway_that_wants_a_token_is_told_how_to_give_one(self):
        async def refuse(path, headers):
            return http.HTTPStatus.UNAUTHORIZED, [], b"Say who you are.\n"

        port = await self.serve("localhost", process_request=refuse)
        await self.assert_refused(
            self.connect(f"wss://localhost:{port}/", "--tls-ca", self.ca),
            "refused: HTTP 401",
            "--user-token-file",
        )

    async def test_flags_that_would_do_nothing_are_2(self):
        key = self.files.path("client.key")
        for arguments, text in (
            (["wss://localhost/", "--token-file", key], "--user-token-file"),
            (["wss://localhost/", "--tls-cert", key], "--tls-cert: is for gRPC"),
            (["wss://localhost/", "--tls-key", key], "--tls-key: is for gRPC"),
            (["wss://localhost/", "--tls-ca", "/no/such"], "/no/such: No such file"),
            (["wss://localhost/", "--tls-ca", key], "is it PEM?"),
            (["ws://localhost/", "--tls"], "write wss://"),
            (["ws://localhost/", "--tls-ca", self.ca], "write wss://"),
            (["ws://localhost/", "--user-token-file", "/no/such"], "--user-token-file: cannot"),
        ):
            with self.subTest(arguments=arguments):
                await self.assert_refused(["connect", *arguments], text, code=2)


class GatewayDouble(grpc.GenericRpcHandler):
    """Answers calls that bring the token `secret`, or any of `tokens`. ListSessions knows none, and
    SubscribeEvents tells nothing until break_streams()."""

    def __init__(self):
        self.tokens = ["secret"]
        self._seen = queue.SimpleQueue()
        self._broken = threading.Event()

    def service(self, details):
        authorization = dict(details.invocation_metadata).get("authorization")
        self._seen.put(authorization)
        is_known = authorization in ["Bearer " + token for token in self.tokens]

        def refuse(request, context):
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "TOKEN_INVALID: who are you?")

        # No bytes are a message without any field set.
        def subscribe(request, context):
            yield b""
            self._broken.wait(PATIENCE_SECONDS)
            context.abort(grpc.StatusCode.UNAVAILABLE, "going away")

        if details.method.endswith("/SubscribeEvents"):
            return grpc.unary_stream_rpc_method_handler(subscribe if is_known else refuse)
        return grpc.unary_unary_rpc_method_handler(
            (lambda request, context: b"") if is_known else refuse
        )

    def seen(self):
        """The different `authorization`s of the calls since it was last asked."""
        return {self._seen.get_nowait() for _ in range(self._seen.qsize())}

    def break_streams(self):
        self._broken.set()


class GrpcTestCase(TlsTestCase):
    async def asyncSetUp(self):
        self.token = self.files.write("token", "secret\n")

    def serve(self, credentials=None):
        """A gateway's double. Returns its address."""
        self.gateway = GatewayDouble()
        server = grpc.server(futures.ThreadPoolExecutor(4))
        server.add_generic_rpc_handlers([self.gateway])
        if credentials:
            port = server.add_secure_port("127.0.0.1:0", credentials)
        else:
            port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        self.addCleanup(lambda: server.stop(0).wait(PATIENCE_SECONDS))
        self.addCleanup(self.gateway.break_streams)
        return f"127.0.0.1:{port}"

    def credentials(self, certificate, mutual):
        pair = (self.files.read(certificate + ".key"), self.files.read(certificate + ".pem"))
        return grpc.ssl_server_credentials(
            [pair], self.files.read("ca.pem") if mutual else None, require_client_auth=mutual
        )


class Grpc(GrpcTestCase):
    def flags(self, **without):
        """All that the double wants, but for what is given as None or otherwise."""
        flags = {
            "token-file": self.token,
            "tls-ca": self.ca,
            "tls-cert": self.files.path("client.pem"),
            "tls-key": self.files.path("client.key"),
        }
        flags |= {name.replace("_", "-"): value for name, value in without.items()}
        return [f"--{name}={value}" for name, value in flags.items() if value is not None]

    async def test_calls_carry_the_token_over_mutual_tls(self):
        address = self.serve(self.credentials("address", mutual=True))
        code, out, err = await self.longwire("sessions", "--address", address, *self.flags())
        self.assertEqual((code, out), (0, ""), err)
        self.assertIn("0 of 0 sessions", err)
        self.assertEqual(self.gateway.seen(), {"Bearer secret"})

    async def test_all_may_stand_in_the_environment(self):
        address = self.serve(self.credentials("localhost", mutual=True))
        code, _, err = await self.longwire(
            "sessions",
            LONGWIRE_ADDRESS=address,
            LONGWIRE_TOKEN_FILE=self.token,
            LONGWIRE_TLS_CA=self.ca,
            LONGWIRE_TLS_CERT=self.files.path("client.pem"),
            LONGWIRE_TLS_KEY=self.files.path("client.key"),
            LONGWIRE_TLS_SERVER_NAME="localhost",
        )
        self.assertEqual(code, 0, err)

    async def test_says_what_to_try(self):
        other = self.files.write("other_token", "other\n")
        no_certificate = {"tls_cert": None, "tls_key": None}
        mutual = self.serve(self.credentials("address", mutual=True))
        for flags, text in (
            (self.flags(token_file=None), "the gateway wants a token: see --token-file"),
            (self.flags(token_file=other), "another token than that in --token-file"),
            (self.flags(**no_certificate), "see --tls-cert and --tls-key"),
            (self.flags(tls_ca=self.other_ca), "its CA is not in --tls-ca"),
            (self.flags(tls_ca=None, **no_certificate) + ["--tls"], "not among the system's"),
            (self.flags(tls_key=self.files.path("ca.key")), "does --tls-key belong to --tls-cert"),
            (self.flags(tls_server_name="localhost"), "say it by --tls-server-name"),
            ([], "try --tls or --tls-ca FILE"),
        ):
            with self.subTest(flags=flags):
                await self.assert_refused(["sessions", "--address", mutual, *flags], text)

        plain = self.serve()
        await self.assert_refused(
            ["sessions", "--address", plain, *self.flags()], "it does not speak TLS there"
        )

    async def test_a_subscription_that_breaks_says_the_same(self):
        mutual = self.serve(self.credentials("address", mutual=True))
        await self.assert_refused(["events", "--address", mutual], "try --tls or --tls-ca FILE")

    async def test_a_token_that_was_replaced_is_taken_up(self):
        address = self.serve(self.credentials("address", mutual=True))
        token = self.files.write("rotating", "secret\n")
        events = await self.start(
            built("CLI"), "events", "--address", address, *self.flags(token_file=token)
        )
        await events.err.expect("ready")
        self.assertEqual(self.gateway.seen(), {"Bearer secret"})

        self.gateway.tokens = ["newer"]
        self.files.write("rotating", "newer\n")
        self.gateway.break_streams()

        await events.err.expect("trying again")
        await events.err.expect("ready")
        self.assertEqual(self.gateway.seen(), {"Bearer newer"})
        self.assertEqual(await events.stop(), 0)

    async def test_a_wrong_command_line_is_2(self):
        certificate, key = self.files.path("client.pem"), self.files.path("client.key")
        for flags, text in (
            (["--tls-cert", certificate], "--tls-cert: needs --tls-key as well"),
            (["--tls-key", key], "--tls-key: needs --tls-cert as well"),
            (["--tls-ca", "/no/such"], "/no/such: No such file"),
            (["--tls-ca", ""], "--tls-ca: the name is empty"),
            (["--token-file", "/no/such"], "--token-file: cannot read /no/such"),
        ):
            with self.subTest(flags=flags):
                await self.assert_refused(["sessions", *flags], text, code=2)


class Examples(GrpcTestCase):
    """Those under client/examples, which take the CA and the token from the environment."""

    def commands(self, address):
        python = built("PYTHON_EXAMPLE")
        yield [built("DEMO_CHAT"), "--address", address]
        yield [sys.executable, os.path.join(python, "echo_backend.py"), address]
        yield [sys.executable, os.path.join(python, "group_worker.py"), "workers", address]
        yield ["node", os.path.join(built("NODE_EXAMPLE"), "echo_backend.js"), address]

    def environment(self, token):
        return {
            "LONGWIRE_PROTO_DIR": built("PROTO_DIR"),
            "LONGWIRE_TLS_CA": self.ca,
            "LONGWIRE_TOKEN_FILE": self.files.write("example_token", token + "\n"),
        }

    async def test_are_let_in_with_the_token_and_refused_without(self):
        address = self.serve(self.credentials("address", mutual=False))
        for command in self.commands(address):
            with self.subTest(command=command):
                example = await self.start(*command, environment=self.environment("secret"))
                await example.out.expect(r"\bready\b")
                self.assertEqual(self.gateway.seen(), {"Bearer secret"})
                self.assertEqual(await example.stop(), 0)

                code, out, err = await self.run_to_end(
                    *command, environment=self.environment("another")
                )
                self.assertEqual(code, 1, out + err)
                self.assertIn("refuse", out + err)
                self.assertEqual(self.gateway.seen(), {"Bearer another"})


if __name__ == "__main__":
    unittest.main(verbosity=2)
