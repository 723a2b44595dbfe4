#!/usr/bin/env node
// A whole backend in Node: prints what happens, answers each message, survives restarts.
//
//     npm ci                                     # once
//     node echo_backend.js 127.0.0.1:9090
//
// Where the gateway is protected, LONGWIRE_TLS_CA names the PEM file of its CA, and
// LONGWIRE_TOKEN_FILE that of the bearer token. It prints `ready` once the gateway has answered, then
// a line for each event.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import grpc from '@grpc/grpc-js';
import protoLoader from '@grpc/proto-loader';

if (process.argv.length > 3 || ['-h', '--help'].includes(process.argv[2])) {
  console.error('usage: node echo_backend.js [HOST:PORT]   (default 127.0.0.1:9090)');
  process.exit(2);
}
const address = process.argv[2] || '127.0.0.1:9090';

const PROTO_DIR =
  process.env.LONGWIRE_PROTO_DIR || fileURLToPath(new URL('../../../proto', import.meta.url));

// longs: String, since a session ID has more digits than a JavaScript number keeps.
const definition = protoLoader.loadSync('longwire/v1/gateway.proto', {
  includeDirs: [PROTO_DIR],
  longs: String,
  enums: String,
  defaults: true,
  oneofs: true,
});
const { Gateway } = grpc.loadPackageDefinition(definition).longwire.v1;

// No retry betters these: the request itself is wrong, or not for us.
const FINAL_CODES = new Set([
  grpc.status.OUT_OF_RANGE,
  grpc.status.INVALID_ARGUMENT,
  grpc.status.FAILED_PRECONDITION,
  grpc.status.UNIMPLEMENTED,
  grpc.status.UNAUTHENTICATED,
  grpc.status.PERMISSION_DENIED,
]);

// Without TLS, whoever sees the traffic has the token.
const { LONGWIRE_TLS_CA, LONGWIRE_TOKEN_FILE } = process.env;
const credentials = LONGWIRE_TLS_CA
  ? grpc.credentials.createSsl(readFileSync(LONGWIRE_TLS_CA))
  : grpc.credentials.createInsecure();

const gateway = new Gateway(address, credentials, {
  // The gateway allows a ping each 10 s; one finds a connection that died without a word.
  'grpc.keepalive_time_ms': 20000,
  'grpc.keepalive_timeout_ms': 10000,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 2000,
});

let cursor = null; // where to resume: all up to here has been handled
let inSnapshot = false;
let failures = 0;
let timer = null;

// The metadata of a call. Tokens expire and are replaced, so the file is read each time.
function authorization() {
  const metadata = new grpc.Metadata();
  if (LONGWIRE_TOKEN_FILE) {
    const token = readFileSync(LONGWIRE_TOKEN_FILE, 'ascii').trim();
    metadata.set('authorization', `Bearer ${token}`);
  }
  return metadata;
}

// Sends one message back to the session that wrote.
function answer(event) {
  const received = event.routed.message;
  const message =
    received.body === 'text' ? { text: `echo: ${received.text}` } : { binary: received.binary };
  const deadline = Date.now() + 5000;
  const request = { sessionId: event.sessionId, message };
  gateway.Route(request, authorization(), { deadline }, (error) => {
    // NOT_FOUND: it has left meanwhile, and its LEAVE follows. Anything else deserves a look.
    if (error && error.code !== grpc.status.NOT_FOUND) {
      console.log('not delivered to', event.sessionId, error.message);
    }
  });
}

function handle(event) {
  const who = `session ${event.sessionId} uid ${event.uid || '-'}`;
  switch (event.type) {
    case 'EVENT_TYPE_ENTER':
      console.log('ENTER', who, 'from', event.enter.remoteAddress);
      break;
    case 'EVENT_TYPE_ROUTE': {
      const message = event.routed.message;
      const body =
        message.body === 'text' ? JSON.stringify(message.text) : message.binary.toString('hex');
      console.log('ROUTE', who, message.body, body);
      answer(event);
      break;
    }
    case 'EVENT_TYPE_LEAVE':
      console.log('LEAVE', who, event.leave.reason, event.leave.closeCode);
      break;
  }
}

function onResponse(response) {
  failures = 0;
  if (cursor === null) console.log('ready');
  if (response.gap) {
    console.log('GAP', response.gap.reason);
    // After a restart the live sessions are told again, as after START_AT_SNAPSHOT. Until all are,
    // the old cursor stays: a break half way must begin it anew.
    inSnapshot = response.gap.reason === 'GAP_REASON_RESTART';
  }
  for (const event of response.events) handle(event);
  if (response.snapshotDone) inSnapshot = false;
  if (!inSnapshot) cursor = { logId: response.logId, sequence: response.covered };
}

// One stream: from the cursor, or from now on if there is none yet.
function follow() {
  inSnapshot = false;
  const request = cursor ? { after: cursor } : { startAt: 'START_AT_LATEST' };
  const stream = gateway.SubscribeEvents(request, authorization());
  // gRPC tells each end once, by `status`; an error is told by `error` besides.
  stream.on('data', onResponse);
  stream.on('error', () => {});
  stream.on('status', (status) => {
    if (FINAL_CODES.has(status.code)) {
      console.log('refused:', status.details);
      process.exit(1);
    }
    console.log('stream broke:', grpc.status[status.code]);
    const longest = Math.min(5000, 100 * 2 ** failures);
    failures = Math.min(failures + 1, 10);
    timer = setTimeout(follow, longest / 2 + (Math.random() * longest) / 2);
  });
}

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    clearTimeout(timer);
    gateway.close();
    process.exit(0);
  });
}

follow();
