/**
 * The servers that tests and examples need, on this machine:
 *
 *     npm run services -- up [name…]       starts them and waits until they answer; they stay until `down`
 *     npm run services -- down [name…]     ends them and forgets what they kept
 *     npm run services -- status [name…]
 *     npm run services -- logs [name…]
 */
import {
  ensureServices,
  SERVICE_NAMES,
  type ServiceName,
  serviceLogs,
  serviceStatus,
  stopServices,
} from "./services.js";

const ACTIONS: Record<string, (names: readonly ServiceName[]) => Promise<void>> = {
  async up(names) {
    await ensureServices(names, "stopped");
    await status(names);
  },
  down: (names) => stopServices(names),
  status,
  async logs(names) {
    for (const [server, log] of await serviceLogs(names)) console.log(`── ${server}\n${log}`);
  },
};

async function status(names: readonly ServiceName[]): Promise<void> {
  for (const { server, address, state } of await serviceStatus(names)) {
    console.log(`${server.padEnd(20)}${address.padEnd(20)}${state}`);
  }
}

const [action = "", ...given] = process.argv.slice(2);
const names = given.filter((name): name is ServiceName => SERVICE_NAMES.includes(name as ServiceName));
const run = ACTIONS[action];
if (run === undefined || names.length !== given.length) {
  console.error(`Usage: npm run services -- ${Object.keys(ACTIONS).join("|")} [${SERVICE_NAMES.join("|")}]`);
  process.exitCode = 2;
} else {
  await run(names.length > 0 ? names : SERVICE_NAMES).catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  });
}
