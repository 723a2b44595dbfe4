// The `ws` package behind the interface of longwire-bench-raw: an echo server for WebSocket clients,
// and a control connection (common/raw_control.h) over which sessions are told and messages pushed.
// With --no-echo the publisher is told of what clients send, as raw's is. Prints its two addresses and
// serves until SIGTERM.
'use strict';
const net = require('net');
const { WebSocketServer } = require('ws');

const ENTERED = 1, ANSWERED = 2, LEFT = 3, ROUTED = 4;
const HEADER_BYTES = 16; // Of a notice, a batch and a push alike.

const hasEcho = !process.argv.includes('--no-echo');
const sessions = new Map();
let nextId = 1n;
let control = null;
let notices = [];

// Notices of one turn of the event loop leave in one write.
function notice(kind, acceptedCount, id) {
  if (control === null) return;
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes.writeUInt32LE(kind, 0);
  bytes.writeUInt32LE(acceptedCount, 4);
  bytes.writeBigUInt64LE(id, 8);
  notices.push(bytes);
  if (notices.length === 1) setImmediate(flushNotices);
}

function flushNotices() {
  if (control !== null) control.write(Buffer.concat(notices));
  notices = [];
}

function push(id, payload) {
  if (id === 0n) {
    for (const session of sessions.values()) session.send(payload, { binary: false });
    return 1;
  }
  const session = sessions.get(id);
  if (session === undefined) return 0;
  session.send(payload, { binary: false });
  return 1;
}

// Works off the whole batches at the front of `input` and returns how many bytes that was.
function takeBatches(input) {
  let taken = 0;
  while (input.length - taken >= HEADER_BYTES) {
    const end = taken + HEADER_BYTES + input.readUInt32LE(taken + 12);
    if (input.length < end) break;
    let accepted = 0;
    for (let at = taken + HEADER_BYTES; at < end;) {
      const payloadAt = at + HEADER_BYTES;
      const payloadEnd = payloadAt + input.readUInt32LE(at + 8);
      accepted += push(input.readBigUInt64LE(at), input.subarray(payloadAt, payloadEnd));
      at = payloadEnd;
    }
    notice(ANSWERED, accepted, input.readBigUInt64LE(taken));
    taken = end;
  }
  return taken;
}

const clients = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false, backlog: 4096 });
clients.on('connection', (session) => {
  const id = nextId++;
  sessions.set(id, session);
  notice(ENTERED, 0, id);
  session.on('message', (message, isBinary) => {
    if (hasEcho) session.send(message, { binary: isBinary });
    else notice(ROUTED, 0, id);
  });
  session.on('error', () => {}); // 'close' follows.
  session.on('close', () => {
    sessions.delete(id);
    notice(LEFT, 0, id);
  });
});
clients.on('listening', () => {
  console.log(`ws listening on 127.0.0.1:${clients.address().port}`);
});

const publishers = net.createServer({ noDelay: true }, (socket) => {
  if (control !== null) {
    socket.destroy();
    return;
  }
  control = socket;
  let held = Buffer.alloc(0);
  socket.on('data', (bytes) => {
    held = held.length === 0 ? bytes : Buffer.concat([held, bytes]);
    held = held.subarray(takeBatches(held));
  });
  socket.on('error', () => {});
  socket.on('close', () => { control = null; });
});
publishers.listen(0, '127.0.0.1', () => {
  console.log(`control listening on 127.0.0.1:${publishers.address().port}`);
});

process.on('SIGTERM', () => process.exit(0));
