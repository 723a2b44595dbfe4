#!/usr/bin/env node
// Sends one text and one binary message, waits for an answer to each, and prints the answers as JSON:
//     node talk.js ws://127.0.0.1:8080/ TEXT HEX

import { once } from 'node:events';
import WebSocket from 'ws';

const [url, text, hex] = process.argv.slice(2);
const socket = new WebSocket(url);
await once(socket, 'open');

async function ask(message) {
  socket.send(message);
  const [body, isBinary] = await once(socket, 'message');
  return isBinary ? { binary: body.toString('hex') } : { text: body.toString() };
}

console.log(JSON.stringify([await ask(text), await ask(Buffer.from(hex, 'hex'))]));
socket.close(1000);
await once(socket, 'close');
