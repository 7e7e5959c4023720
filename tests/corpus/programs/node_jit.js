#!/usr/bin/node
// A loop that is hot enough to be compiled, with WebAssembly and a worker beside it.
const { Worker, isMainThread } = require("worker_threads");

function fibonacci(n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }

if (isMainThread) {
  const bytes = Uint8Array.from([0, 97, 115, 109, 1, 0, 0, 0]);
  new WebAssembly.Module(bytes);
  new Worker(__filename).on("exit", () => console.log(fibonacci(27)));
} else {
  fibonacci(25);
}
