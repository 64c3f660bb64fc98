import { readdir, readFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

test("every link from one page to another leads somewhere", async () => {
  const pages = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"];
  for (const entry of await readdir(join(ROOT, "docs"), { recursive: true })) {
    if (entry.endsWith(".md")) pages.push(join("docs", entry));
  }
  const broken: string[] = [];
  for (const page of pages) {
    const text = await readFile(join(ROOT, page), "utf8");
    for (const [, target = ""] of text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)) {
      const path = resolve(ROOT, dirname(page), target);
      const there = await readFile(path).then(
        () => true,
        (error: NodeJS.ErrnoException) => error.code === "EISDIR",
      );
      if (!there) broken.push(`${page}: ${relative(ROOT, path)}`);
    }
  }
  expect(broken).toEqual([]);
});
