import { describe, expect, it } from "vitest";
import { CLUSTER_MIX, FORGETFUL_MIX, MIX, makeScenario } from "../chaos/scenario.js";

describe("a scenario", () => {
  it("is the same for the same seed and another for another", () => {
    expect(makeScenario(7)).toEqual(makeScenario(7));
    expect(makeScenario(7)).not.toEqual(makeScenario(8));
  });

  it("names only devices, users and groups that there are", () => {
    for (let seed = 0; seed < 50; seed++) {
      const { devices, users, groups, steps } = makeScenario(seed);
      for (const step of steps) {
        if ("device" in step) expect(devices[step.device]).toBeDefined();
        if (step.do === "group") expect(groups[step.group]).toBeDefined();
        if (step.do === "send" && "user" in step.to) expect(users).toContain(step.to.user);
        if (step.do === "send" && "group" in step.to) expect(groups[step.to.group]).toBeDefined();
      }
    }
  });

  it.each([MIX, CLUSTER_MIX, FORGETFUL_MIX])("brings every kind of step that is wanted within a few seeds", (mix) => {
    const seen = new Set(
      Array.from({ length: 20 }, (_, seed) => makeScenario(seed, mix).steps.map((step) => step.do)).flat(),
    );
    const wanted = Object.entries(mix.weights).flatMap(([kind, weight]) => (weight > 0 ? [kind] : []));
    expect([...seen].sort()).toEqual(wanted.sort());
  });

  it("sends nothing that is larger than a message may be", () => {
    for (let seed = 0; seed < 50; seed++) {
      const sizes = makeScenario(seed).steps.flatMap((step) => (step.do === "send" ? step.sizes : []));
      expect(Math.max(...sizes)).toBeLessThanOrEqual(65_536);
    }
  });
});
