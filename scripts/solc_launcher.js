#!/usr/bin/env node
// The official compiler as WebAssembly (npm `solc`), speaking like the native binary, as far as py-solc-x and forge
// ask: `--version`, and `--standard-json` on stdin with imports looked up under `--base-path`. The package's own
// command prints a line before the JSON, which breaks both.
"use strict";
const fs = require("fs");
const path = require("path");
const solc = require("solc");

const flag = process.argv.indexOf("--base-path");
const base = flag < 0 ? "." : process.argv[flag + 1];

function findImport(name) {
  try {
    return { contents: fs.readFileSync(path.resolve(base, name), "utf8") };
  } catch (error) {
    return { error: error.message };
  }
}

if (process.argv.includes("--version")) {
  console.log(`solc, the solidity compiler commandline interface\nVersion: ${solc.version()}`);
} else {
  console.log(solc.compile(fs.readFileSync(0, "utf8"), { import: findImport }));
}
