import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { transcripts } from "./e2ee-transcript.js";

it("what travels is what was recorded, byte for byte: versions before and after read each other", () => {
  const file = new URL("../vectors/e2ee-sessions.json", import.meta.url);
  expect(transcripts()).toEqual(JSON.parse(readFileSync(file, "utf8")));
});
