'use strict';
// One call by @grpc/grpc-js. Usage: node echo-client.js <echo.proto> <address> <case>; prints one line of JSON.
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const { Echo } = grpc.loadPackageDefinition(loader.loadSync(process.argv[2], { keepCase: true, defaults: true })).meshlite.test;
const client = new Echo(process.argv[3], grpc.credentials.createInsecure());

function print(result) {
  console.log(JSON.stringify(result));
  client.close();
}

const ended = (error) => ({
  code: error.code, details: error.details,
  text: error.metadata.get('x-detail')[0], bytes: (error.metadata.get('x-detail-bin')[0] || '').toString('hex'),
});
const unary = (request, options) => client.Unary(request, options || {}, (error, response) => print(error ? ended(error) : { length: response.payload.length }));

const cases = {
  unary() {
    const metadata = new grpc.Metadata();
    metadata.set('x-test', 'printable ASCII');
    metadata.set('x-test-bin', Buffer.from([0, 255, 128]));
    const result = {};
    const call = client.Unary({ text: 'grüße' }, metadata, (error, response) => Object.assign(result, error || response));
    call.on('metadata', (headers) => { result.header = headers.get('x-header')[0]; });
    call.on('status', (status) => print({ ...result, code: status.code, trailer: status.metadata.get('x-trailer-bin')[0].toString('hex') }));
  },
  async serverStream() {
    const indexes = [];
    for await (const response of client.ServerStream({ count: 100, response_bytes: 1000 })) indexes.push(response.index);
    print({ indexes });
  },
  emptyStream() {
    let messages = 0;
    client.ServerStream({ count: 0 }).on('data', () => { messages++; }).on('status', ({ code }) => print({ code, messages }));
  },
  clientStream() {
    const call = client.ClientStream((error, response) => print(error ? ended(error) : { sum: response.sum }));
    for (let i = 1; i <= 100; i++) call.write({ count: i, payload: Buffer.alloc(10000) });
    call.end();
  },
  bidi() {
    const texts = [];
    const call = client.Bidi();
    call.on('data', ({ text }) => {
      texts.push(text);
      if (texts.length < 50) call.write({ text: `m${texts.length}` });
      else call.end();
    });
    call.on('status', ({ code }) => print({ code, texts }));
    call.write({ text: 'm0' });
  },
  large() { unary({ payload: Buffer.alloc(3000000), response_bytes: 3000000 }); },
  deadline() { unary({ id: 'js-deadline', hang: true }, { deadline: Date.now() + 200 }); },
  cancel() {
    const call = client.ServerStream({ id: 'js-cancel', count: 1e9 });
    call.on('data', () => call.cancel());
    call.on('error', (error) => print(ended(error)));
  },
  error() { unary({ fail_code: 9, fail_message: 'nicht möglich: 100 % 错误\n' }); },
  errorAfterMessages() {
    let messages = 0;
    const call = client.ServerStream({ count: 3, fail_code: 10, fail_message: 'später' });
    call.on('data', () => { messages++; });
    call.on('error', (error) => print({ ...ended(error), messages }));
  },
  handlerThrows() { unary({ fail_code: -1, fail_message: 'a secret' }); },
  oversizedRequest() { unary({ payload: Buffer.alloc(5000000) }); },
  oversizedResponse() { unary({ response_bytes: 5000000 }); },
  unknownMethod() { client.Missing({}, (error) => print(ended(error))); },
  compressed() {
    const gzip = new Echo(process.argv[3], grpc.credentials.createInsecure(), { 'grpc.default_compression_algorithm': 2 });
    gzip.Unary({ text: 'a'.repeat(1000) }, (error) => { print(ended(error)); gzip.close(); });
  },
  slowReader() {
    // Reads one message, then none until a line on stdin, then the rest.
    let messages = 0;
    const call = client.ServerStream({ id: 'js-slow', count: 1024, response_bytes: 65536 });
    call.on('data', () => {
      if (++messages === 1) {
        call.pause();
        console.log('{"paused":true}');
        process.stdin.once('data', () => { process.stdin.destroy(); call.resume(); });
      }
    });
    call.on('status', ({ code }) => print({ code, messages }));
  },
};
cases[process.argv[4]]();
