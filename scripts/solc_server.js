#!/usr/bin/env node
// The compiler kept warm for many small compilations: one Standard JSON request a line in, one answer a line out.
// A new process for each would spend half of its time on loading and optimising the compiler itself.
"use strict";
const fs = require("fs");
const readline = require("readline");
const solc = require("solc");

function findImport(name) {
  try {
    return { contents: fs.readFileSync(name, "utf8") };
  } catch (error) {
    return { error: error.message };
  }
}

readline.createInterface({ input: process.stdin }).on("line", (request) => {
  process.stdout.write(solc.compile(request, { import: findImport }) + "\n");
});
