import { defineConfig } from "tsup";
import { inlineCql } from "./inline-cql.js";

export default defineConfig({
  entry: { index: "src/index.ts" },
  format: ["esm", "cjs"],
  target: "node20",
  tsconfig: "../../tsconfig.json",
  sourcemap: true,
  clean: true,
  esbuildPlugins: [inlineCql],
  dts: { compilerOptions: { ignoreDeprecations: "6.0" } },
});
