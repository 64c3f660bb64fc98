import { defineConfig } from "tsup";
import { withoutFrameTexts } from "./scripts/without-frame-texts.js";

export default defineConfig({
  entry: {
    index: "src/index.ts",
    "client/index": "src/client/index.ts",
    "client/node": "src/client/node.ts",
    "e2ee/index": "src/e2ee/index.ts",
    "memory/index": "adapters/memory/src/index.ts",
    "ports/index": "src/ports/index.ts",
    "testing/index": "src/testing/index.ts",
    "protocol/index": "src/protocol/index.ts",
    "cli/main": "src/cli/main.ts",
  },
  format: ["esm", "cjs"],
  target: "node20",
  // What two entries share exists once, so an error or a codec made by one is the other's too.
  splitting: true,
  sourcemap: true,
  clean: true,
  esbuildPlugins: [withoutFrameTexts],
  dts: { compilerOptions: { ignoreDeprecations: "6.0" } },
});
