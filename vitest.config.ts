import { defaultClientConditions, defaultServerConditions } from "vite";
import { defineConfig } from "vitest/config";

// Tests meet the packages by their public names and run from their source. Biome, tsx and tsc use the same condition.
const SOURCE = "sentseen-source";

// Tests that need a quiet machine to themselves: many processes, a browser, or memory and time measured.
const HEAVY = [
  "test/chaos/**/*.test.ts",
  "test/browser/**/*.test.ts",
  "test/behaviour/{hostile,no-state,package}-*.test.ts",
];

// Tests on real servers, which are started for them. They run one after another, as some of them kill servers.
const ON_SERVICES = [
  "adapters/{redis,cassandra,kafka}/test/**/*.test.ts",
  "test/{cluster,examples}/**/*.test.ts",
  "test/chaos/*-on-services.test.ts",
];

const shared = {
  pool: "forks",
  testTimeout: 30_000,
  hookTimeout: 60_000,
  restoreMocks: true,
} as const;

export default defineConfig({
  resolve: { conditions: [SOURCE, ...defaultClientConditions] },
  ssr: { resolve: { conditions: [SOURCE, ...defaultServerConditions], externalConditions: [SOURCE, "node"] } },
  test: {
    projects: [
      {
        extends: true,
        test: {
          ...shared,
          name: "quick",
          include: ["test/**/*.test.ts", "adapters/*/test/**/*.test.ts"],
          exclude: [...HEAVY, ...ON_SERVICES],
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          ...shared,
          name: "heavy",
          include: HEAVY,
          exclude: ON_SERVICES,
          testTimeout: 180_000,
          hookTimeout: 400_000,
          maxWorkers: 1,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          ...shared,
          name: "services",
          include: ON_SERVICES,
          globalSetup: "scripts/services/around-all-tests.ts",
          setupFiles: "scripts/services/before-each-file.ts",
          testTimeout: 60_000,
          hookTimeout: 180_000,
          maxWorkers: 1,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
    coverage: { provider: "v8", include: ["src/**", "adapters/*/src/**"], reporter: ["text-summary", "html"] },
  },
});
