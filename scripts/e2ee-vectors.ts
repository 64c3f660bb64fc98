// Writes test/vectors/e2ee-sessions.json. What it holds changes only with the version of the wire's layout.
//
//   node --conditions=sentseen-source --import tsx scripts/e2ee-vectors.ts
import { writeFileSync } from "node:fs";
import { transcripts } from "../test/property/e2ee-transcript.js";

writeFileSync("test/vectors/e2ee-sessions.json", `${JSON.stringify(transcripts(), null, 1)}\n`);
