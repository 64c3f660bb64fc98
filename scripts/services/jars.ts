import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { CACHE } from "./place.js";

const PATIENCE_MS = 8 * 60_000;

export interface Artifact {
  readonly group: string;
  readonly name: string;
  readonly version: string;
}

/** The directory that holds artifacts with all that they depend on; fetched with Maven the first time. */
export async function jarsOf(...artifacts: readonly Artifact[]): Promise<string> {
  const done = join(CACHE, artifacts.map(({ name, version }) => `${name}-${version}`).join("+"));
  if (existsSync(done)) return done;
  mkdirSync(CACHE, { recursive: true });
  const scratch = mkdtempSync(join(CACHE, "fetching-"));
  try {
    writeFileSync(join(scratch, "pom.xml"), pomOf(artifacts));
    await maven(scratch, "dependency:copy-dependencies", `-DoutputDirectory=${join(scratch, "jars")}`);
    renameSync(join(scratch, "jars"), done);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return done;
}

async function maven(cwd: string, ...goals: string[]): Promise<void> {
  try {
    await promisify(execFile)("mvn", ["--quiet", "--batch-mode", ...goals], { cwd, timeout: PATIENCE_MS });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") {
      throw new Error(
        "There is no mvn. Install Maven and Java 17 (Debian: apt-get install maven) or a container engine.",
      );
    }
    throw new Error(`Maven failed: ${(cause as { stdout?: string }).stdout ?? ""}`, { cause });
  }
}

function pomOf(artifacts: readonly Artifact[]): string {
  const dependencies = artifacts.map(
    ({ group, name, version }) =>
      `<dependency><groupId>${group}</groupId><artifactId>${name}</artifactId><version>${version}</version></dependency>`,
  );
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>sentseen</groupId>
  <artifactId>jars</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>${dependencies.join("")}</dependencies>
</project>
`;
}
