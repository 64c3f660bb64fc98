import type { ContractReport, DeclareTest } from "sentseen/testing";

/** Runs the tests that a suite declares, all at once, and answers the names of those that fail. */
export async function failures(declare: (test: DeclareTest) => ContractReport): Promise<string[]> {
  const running: Promise<string | null>[] = [];
  declare((name, body) => {
    running.push(
      body().then(
        () => null,
        () => name,
      ),
    );
  });
  return (await Promise.all(running)).filter((name) => name !== null);
}
