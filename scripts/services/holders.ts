import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { identityOf, livingPid } from "./identity.js";
import { HOME } from "./place.js";

// Who still needs the services: processes that asked for them, as long as they live, and whoever said `up` until they
// say `down`.

const HOLDERS = join(HOME, "holders");
const KEPT = join(HOME, "kept");

export function keep(): void {
  mkdirSync(HOME, { recursive: true });
  writeFileSync(KEPT, "");
}

export function hold(): void {
  mkdirSync(HOLDERS, { recursive: true });
  writeFileSync(join(HOLDERS, String(process.pid)), identityOf(process.pid));
}

export function letGo(): void {
  rmSync(join(HOLDERS, String(process.pid)), { force: true });
}

/** Whether somebody needs them. Forgets holders that are gone. */
export function areHeld(): boolean {
  if (existsSync(KEPT)) return true;
  const names = existsSync(HOLDERS) ? readdirSync(HOLDERS) : [];
  return (
    names.filter((name) => {
      const file = join(HOLDERS, name);
      const lives = livingPid(readFileSync(file, "utf8")) !== null;
      if (!lives) rmSync(file, { force: true });
      return lives;
    }).length > 0
  );
}

export function forgetHolders(): void {
  rmSync(HOLDERS, { recursive: true, force: true });
  rmSync(KEPT, { force: true });
}
