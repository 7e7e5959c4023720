#!/usr/bin/node
// Promises, a worker thread, a file, a server on loopback that the script asks itself.
const crypto = require('crypto');
const fs = require('fs');
const http = require('http');
const os = require('os');
const path = require('path');
const { Worker } = require('worker_threads');

const file = path.join(os.homedir(), 'data.txt');
fs.writeFileSync(file, 'text');
console.log(crypto.createHash('sha256').update(fs.readFileSync(file)).digest('hex'));

new Worker('require("worker_threads").parentPort.postMessage(6 * 7)', { eval: true })
  .on('message', (answer) => console.log('worker', answer));

const server = http.createServer((request, response) => response.end('hello'));
server.listen(0, '127.0.0.1', () => {
  http.get({ port: server.address().port, host: '127.0.0.1' }, (response) => {
    response.on('data', (data) => console.log(String(data)));
    response.on('end', () => server.close());
  });
});
