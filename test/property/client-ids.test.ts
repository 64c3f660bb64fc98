import fc from "fast-check";
import { version } from "uuid";
import { describe, expect, it } from "vitest";
import * as client from "../../src/client/ids.js";
import * as model from "../../src/model/ids.js";

describe("The client's ids", () => {
  it("are those of the server for every pair of users, in either order", () => {
    const user = fc.string({ minLength: 1, maxLength: 128, unit: "binary" }).filter((text) => text.isWellFormed());
    fc.assert(
      fc.property(user, user, (one, other) => {
        const id = client.directConversation(one, other);
        expect(id).toBe(model.directConversation(one, other));
        expect(client.directConversation(other, one)).toBe(id);
      }),
      { numRuns: 500 },
    );
  });

  it("agree at every length around the blocks of the hash", () => {
    for (let length = 1; length <= 200; length++) {
      const user = "u".repeat(length);
      expect(client.directConversation(user, "v")).toBe(model.directConversation(user, "v"));
    }
  });

  it("are new, version 7 and ascending, however many are made at once", () => {
    const ids = Array.from({ length: 10_000 }, client.newId);
    expect(new Set(ids).size).toBe(ids.length);
    expect([...ids].sort()).toEqual(ids);
    expect(ids.every((id) => version(id) === 7 && model.isUuid(id))).toBe(true);
    const made = Number.parseInt((ids[0] as string).replaceAll("-", "").slice(0, 12), 16);
    expect(Math.abs(made - Date.now())).toBeLessThan(60_000);
  });
});
