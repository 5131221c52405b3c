'use strict';
// Echo by @grpc/grpc-js. Usage: node echo-server.js <echo.proto>; prints {"port":n}. Ends when its stdin ends.
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const { Echo } = grpc.loadPackageDefinition(loader.loadSync(process.argv[2], { keepCase: true, defaults: true })).meshlite.test;
const calls = new Map(); // id -> {written, cancelled, release}: what a test asks about a call of its own

function state(id) {
  if (!calls.has(id)) {
    const entry = { written: 0 };
    entry.whenCancelled = new Promise((resolve) => { entry.cancelled = resolve; });
    entry.whenReleased = new Promise((resolve) => { entry.release = resolve; });
    calls.set(id, entry);
  }
  return calls.get(id);
}

function failure(request) {
  const metadata = new grpc.Metadata();
  metadata.set('x-detail', 'more');
  metadata.set('x-detail-bin', Buffer.from([0, 255, 1]));
  return { code: request.fail_code, details: request.fail_message, metadata };
}

function describe(call) {
  const text = call.metadata.get('x-test')[0] || '';
  const bytes = call.metadata.get('x-test-bin')[0] || Buffer.alloc(0);
  return `${text}|${bytes.toString('hex')}`;
}

async function serverStream(call) {
  const entry = state(call.request.id);
  call.on('cancelled', entry.cancelled);
  for (let i = 0; i < call.request.count && !call.cancelled; i++) {
    const more = call.write({ index: i, payload: Buffer.alloc(call.request.response_bytes) });
    entry.written++;
    if (!more) await new Promise((resolve) => call.once('drain', resolve));
  }
  if (call.request.fail_code) call.emit('error', failure(call.request));
  else call.end();
}

async function clientStream(call, callback) {
  let sum = 0;
  try {
    for await (const request of call) {
      if (request.stall) await state(request.id).whenReleased;
      sum += request.count;
    }
    callback(null, { sum });
  } catch (e) {
    callback(e);
  }
}

const server = new grpc.Server();
server.addService(Echo.service, {
  Unary(call, callback) {
    const { request } = call;
    if (request.hang) call.on('cancelled', state(request.id).cancelled);
    else if (request.fail_code) callback(failure(request));
    else callback(null, { text: request.text, metadata: describe(call), payload: Buffer.alloc(request.response_bytes) });
  },
  ServerStream: serverStream,
  ClientStream: clientStream,
  Bidi(call) {
    call.on('data', (request) => call.write({ text: request.text }));
    call.on('end', () => call.end());
  },
  AwaitCancelled(call, callback) { state(call.request.id).whenCancelled.then(() => callback(null, {})); },
  Progress(call, callback) { callback(null, { index: state(call.request.id).written }); },
  Release(call, callback) { state(call.request.id).release(); callback(null, {}); },
});
server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  console.log(JSON.stringify({ port }));
});
process.stdin.resume().on('end', () => process.exit(0));
