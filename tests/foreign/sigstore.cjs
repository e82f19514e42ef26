// Judge inclusion in a log by the code that npm checks Sigstore's transparency log with.
//
// Cases come on standard input, one JSON object a line: record and proof (hex), index (text, since
// numbers here end at 2^53), and the note and vkey of a checkpoint. A verdict goes out for each.
// What decides is @sigstore/verify.
"use strict";

const { createInterface } = require("node:readline");
const { crypto } = require("@sigstore/core");
const { verifyTLogInclusion } = require("@sigstore/verify/dist/tlog");

// What stands before the 32 bytes of an Ed25519 key in its SubjectPublicKeyInfo (RFC 8410).
const SPKI = Buffer.from("302a300506032b6570032100", "hex");

function authority(vkey) {
  // The key's base64 may have a plus too.
  const [, name, id, key] = vkey.match(/^([^+]+)\+([^+]+)\+(.+)$/);
  const bytes = Buffer.from(key, "base64").subarray(1);
  return {
    baseURL: `https://${name}`,
    logID: Buffer.from(id, "hex"),
    publicKey: crypto.createPublicKey(Buffer.concat([SPKI, bytes])),
  };
}

function judge({ record, index, proof, note, vkey }) {
  const inclusionProof = {
    logIndex: index,
    hashes: proof.map((hash) => Buffer.from(hash, "hex")),
    checkpoint: { envelope: note },
  };
  const entry = { canonicalizedBody: Buffer.from(record, "hex"), inclusionProof };
  try {
    verifyTLogInclusion(entry, [authority(vkey)]);
    return { ok: true };
  } catch (error) {
    // A size that is no number is told by BigInt. Anything else is a fault of this file, no verdict.
    if (!["VerificationError", "SyntaxError"].includes(error.name)) throw error;
    return { ok: false, why: error.message };
  }
}

createInterface({ input: process.stdin }).on("line", (line) => {
  process.stdout.write(JSON.stringify(judge(JSON.parse(line))) + "\n");
});
