"""Hostile WebSocket clients, one function each. Every function runs in a process of its own, attacks
`target` from its own loopback address until `until` (time.monotonic) and returns how often it did what
its first line says. What the gateway answers is not judged here: run.py looks at the good clients."""

import itertools
import os
import random
import select
import socket
import ssl
import struct
import time
from dataclasses import dataclass
from typing import Callable, Iterator

HALF_OPEN_MAX = 5_000  # connections that stop in mid-handshake, held at once
OPENS_PER_SECOND = 500  # of those, and of plain connects: what makes no session
SESSIONS_PER_SECOND = 50  # of an attack that upgrades again and again
DEAF_CLIENTS = 50
DEAF_MESSAGES_PER_SECOND = 20  # of each
HALF_MESSAGES = 300
CONNECT_SECONDS_MAX = 2.0

HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: gateway\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
TEXT, BINARY, CONTINUATION, PING = 1, 2, 0, 9


@dataclass(frozen=True)
class Target:
    host: str
    port: int
    tls: bool
    source: str  # the loopback address that this attack comes from


def frame(opcode: int, payload: bytes = b"", fin: bool = True, length: int | None = None) -> bytes:
    """A masked frame with a mask of zeros; `length` announces more than there is."""
    announced = len(payload) if length is None else length
    head = bytes([opcode | (0x80 if fin else 0)])
    if announced < 126:
        head += bytes([0x80 | announced])
    elif announced < 65_536:
        head += bytes([0x80 | 126]) + struct.pack(">H", announced)
    else:
        head += bytes([0x80 | 127]) + struct.pack(">Q", announced)
    return head + bytes(4) + payload


def paced(per_second: float, until: float) -> Iterator[int]:
    """Counts up at this pace until the time is over; what was late is not made up for."""
    for count in itertools.count():
        now = time.monotonic()
        if now >= until:
            return
        yield count
        time.sleep(max(0.0, min(now + 1 / per_second, until) - time.monotonic()))


def connect(target: Target) -> socket.socket | None:
    """A TCP connection, or None when the gateway does not take it."""
    try:
        return socket.create_connection(
            (target.host, target.port), CONNECT_SECONDS_MAX, (target.source, 0)
        )
    except OSError:
        return None


def open_session(target: Target, receive_buffer: int = 0) -> socket.socket | None:
    """A connection that has got its 101, or None."""
    plain = connect(target)
    if plain is None:
        return None
    try:
        if receive_buffer:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        opened: socket.socket = plain
        if target.tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            opened = context.wrap_socket(plain)
        opened.sendall(HANDSHAKE)
        if b" 101 " in opened.recv(4_096):
            return opened
        opened.close()
    except OSError:
        plain.close()
    return None


def send_until_closed(session: socket.socket, chunk: bytes, chunks_max: int) -> None:
    """Sends and reads nothing, then goes without a word."""
    try:
        for _ in range(chunks_max):
            session.sendall(chunk)
    except OSError:
        pass
    session.close()


def drop_ended(held: list[socket.socket]) -> list[socket.socket]:
    """Those that the gateway has not ended yet."""
    poller = select.poll()
    by_fd = {one.fileno(): one for one in held}
    for fd in by_fd:
        poller.register(fd, select.POLLIN | select.POLLHUP)
    for fd, _ in poller.poll(0):
        by_fd.pop(fd).close()
    return list(by_fd.values())


def slow_drip(target: Target, until: float) -> int:
    """Sends its request one byte a second, from 300 connections."""
    held: list[tuple[socket.socket, int]] = []
    for count in paced(1, until):
        held += [(one, 0) for one in (connect(target) for _ in range(300 - len(held))) if one]
        still = []
        for one, at in held:
            try:
                one.send(HANDSHAKE[at : at + 1])
                still.append((one, (at + 1) % len(HANDSHAKE)))
            except OSError:
                one.close()
        held = still
    return count


def stop_in_mid_handshake(target: Target, until: float) -> int:
    """Opens 5,000 connections, sends half of a handshake on each, and opens new ones for those cut."""
    half = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" if target.tls else HANDSHAKE[:40]
    held: list[socket.socket] = []
    opened = 0
    for count in paced(OPENS_PER_SECOND, until):
        if count % 250 == 0:
            held = drop_ended(held)
        if len(held) < HALF_OPEN_MAX and (one := connect(target)):
            one.send(half)
            held.append(one)
            opened += 1
    return opened


def connect_and_go(target: Target, until: float) -> int:
    """Connects and closes at once."""
    for count in paced(OPENS_PER_SECOND, until):
        if one := connect(target):
            one.close()
    return count


def send_garbage(target: Target, until: float) -> int:
    """Sends what is neither HTTP nor TLS, TLS to a plain port, and HTTP to a TLS port."""
    other = HANDSHAKE if target.tls else b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500)
    for count in paced(OPENS_PER_SECOND / 5, until):
        if one := connect(target):
            try:
                one.sendall(os.urandom(2_000) if count % 2 else other)
            except OSError:
                pass
            one.close()
    return count


def send_huge_head(target: Target, until: float) -> int:
    """Sends requests with 100 kB of headers."""
    head = HANDSHAKE[:-2] + b"X-Filler: " + b"x" * 100_000
    for count in paced(20, until):
        if one := connect(target):
            send_until_closed(one, head, 1)
    return count


def flood(chunk: bytes, chunks_max: int = 20) -> Callable[[Target, float], int]:
    """An attack that opens a session, sends the chunk as fast as it can, and does so again."""

    def run(target: Target, until: float) -> int:
        for count in paced(SESSIONS_PER_SECOND / 2, until):
            if session := open_session(target):
                send_until_closed(session, chunk, chunks_max)
        return count

    return run


def half_messages(target: Target, until: float) -> int:
    """Announces 60,000 bytes on 300 sessions, sends half of them, and waits."""
    held: list[socket.socket] = []
    opened = 0
    for _ in paced(SESSIONS_PER_SECOND, until):
        held = drop_ended(held)
        if len(held) < HALF_MESSAGES and (session := open_session(target)):
            session.sendall(frame(BINARY, bytes(30_000), length=60_000))
            held.append(session)
            opened += 1
    return opened


def never_read(target: Target, until: float) -> int:
    """Sends messages that the backend echoes, on 50 sessions, and reads none of the echoes."""
    held: list[socket.socket] = []
    sent = 0
    message = frame(TEXT, b"x" * 3_000)
    for _ in paced(DEAF_MESSAGES_PER_SECOND, until):
        if len(held) < DEAF_CLIENTS and (session := open_session(target, receive_buffer=4_096)):
            session.setblocking(False)
            held.append(session)
        still = []
        for session in held:
            try:
                session.send(message)
                sent += 1
                still.append(session)
            except (BlockingIOError, ssl.SSLWantWriteError):
                still.append(session)
            except OSError:
                session.close()
        held = still
    return sent


def break_the_protocol(target: Target, until: float) -> int:
    """Sends an unmasked frame, a reserved bit, text that is not UTF-8, or a control frame in parts."""
    wrong = [b"\x81\x01x", b"\xc1" + bytes(5), frame(TEXT, b"\xff\xfe"), frame(PING, b"x", fin=False)]
    for count in paced(SESSIONS_PER_SECOND / 2, until):
        if session := open_session(target):
            send_until_closed(session, wrong[count % len(wrong)], 1)
    return count


def half_open(target: Target, until: float) -> int:
    """Ends its sending side behind the handshake and stays."""
    held: list[socket.socket] = []
    for count in paced(SESSIONS_PER_SECOND / 2, until):
        held = held[-100:]
        if session := open_session(target):
            try:
                session.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            held.append(session)
    return count


def reset_behind_upgrade(target: Target, until: float) -> int:
    """Resets the connection as soon as it has its 101."""
    for count in paced(SESSIONS_PER_SECOND / 2, until):
        if session := open_session(target):
            session.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            session.close()
    return count


ATTACKS: dict[str, Callable[[Target, float], int]] = {
    "slow_drip": slow_drip,
    "stop_in_mid_handshake": stop_in_mid_handshake,
    "connect_and_go": connect_and_go,
    "send_garbage": send_garbage,
    "send_huge_head": send_huge_head,
    "flood_of_messages": flood(frame(TEXT, b"x" * 100) * 500),
    "flood_of_pings": flood(frame(PING, b"x" * 100) * 500),
    "flood_of_fragments": flood(frame(TEXT, b"x", fin=False) + frame(CONTINUATION, fin=False) * 8_000),
    "half_messages": half_messages,
    "never_read": never_read,
    "break_the_protocol": break_the_protocol,
    "half_open": half_open,
    "reset_behind_upgrade": reset_behind_upgrade,
}


def run_attack(name: str, target: Target, until: float) -> int:
    os.nice(19)
    random.seed(name)
    return ATTACKS[name](target, until)
