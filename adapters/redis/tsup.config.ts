import { defineConfig } from "tsup";
import { inlineLua } from "./inline-lua.js";

export default defineConfig({
  entry: { index: "src/index.ts" },
  format: ["esm", "cjs"],
  target: "node20",
  tsconfig: "../../tsconfig.json",
  sourcemap: true,
  clean: true,
  esbuildPlugins: [inlineLua],
  dts: { compilerOptions: { ignoreDeprecations: "6.0" } },
});
