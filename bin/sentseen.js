#!/usr/bin/env node
import { existsSync } from "node:fs";

// A checkout runs from its source, so that what was built earlier is never mistaken for what is there now. The
// published package has no configuration of the build in it.
if (existsSync(new URL("../tsup.config.ts", import.meta.url))) {
  const { tsImport } = await import("tsx/esm/api");
  await tsImport("../src/cli/main.ts", import.meta.url);
} else {
  await import("../dist/cli/main.js");
}
