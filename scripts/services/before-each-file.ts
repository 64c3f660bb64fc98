// Runs before each file of tests of the project `services`: what it needs is up, or it fails with the log's tail.
import { expect } from "vitest";
import { servicesFor } from "./needs.js";
import { ensureServices } from "./services.js";

await ensureServices(servicesFor(expect.getState().testPath ?? ""), "others");
