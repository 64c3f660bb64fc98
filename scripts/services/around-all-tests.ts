import { holdServices, releaseServices } from "./services.js";

/** What a file of tests started stays for the next; when all have run it is ended, unless somebody else needs it. */
export async function setup(): Promise<() => Promise<void>> {
  await holdServices();
  return releaseServices;
}
