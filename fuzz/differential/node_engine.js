// SPDX-License-Identifier: Apache-2.0
// Runs the modules named on the command line and prints for each one line:
// what it wrote, in hex, and "ok" or "trap".
const fs = require("fs");

function run(file) {
  let output = "", memory;
  const fd_write = (fd, iovs, count, written) => {
    const view = new DataView(memory.buffer);
    const start = view.getUint32(iovs, true), size = view.getUint32(iovs + 4, true);
    output += Buffer.from(memory.buffer, start, size).toString("hex");
    view.setUint32(written, size, true);
    return 0;
  };
  try {
    const instance = new WebAssembly.Instance(new WebAssembly.Module(fs.readFileSync(file)), { wasi_snapshot_preview1: { fd_write } });
    memory = instance.exports.memory;
    instance.exports._start();
    return output + " ok";
  } catch (error) {
    if (!(error instanceof WebAssembly.RuntimeError)) return "cannot run: " + error;
    return output + " trap";
  }
}

for (const file of process.argv.slice(2)) console.log(run(file));
