/**
 * Declares a test. The `test` of any runner that takes a name and an async function will do: vitest, node:test, mocha.
 */
export interface DeclareTest {
  (name: string, body: () => Promise<void>): unknown;
  /** Declares a test that is left out, so that the runner prints it. */
  readonly skip?: (name: string, body: () => Promise<void>) => unknown;
}

/** An adapter as a suite gets it for one test: opened, and either fresh or holding nothing that the test would meet. */
export interface Fixture<Adapter> {
  readonly adapter: Adapter;
  /** Closes what the test used and throws away what it stored. */
  end(): Promise<void>;
}

/** What an adapter can't do or can't be made to do in a test, each with the reason. */
export type Lacks<Capability extends string> = { readonly [C in Capability]?: string };

/** What a suite declared. */
export interface ContractReport {
  readonly tests: readonly string[];
  readonly skipped: readonly { readonly test: string; readonly capability: string; readonly reason: string }[];
}

/** One sentence of a contract as a test. */
export interface Clause<Subject, Capability extends string> {
  readonly name: string;
  /** What the adapter must be able to do, for the test to make sense. */
  readonly needs?: readonly Capability[];
  check(subject: Subject): Promise<void>;
}

/** What makes a suite out of clauses. */
export interface Contract<Subject extends { end(): Promise<void> }, Capability extends string> {
  readonly clauses: readonly Clause<Subject, Capability>[];
  make(): Promise<Subject>;
  readonly lacks: Lacks<Capability>;
}

/**
 * Declares every clause with the runner. One whose need is declared lacking is skipped, with the reason in its name,
 * and named in the answer: nothing is left out silently.
 */
export function declareContract<Subject extends { end(): Promise<void> }, Capability extends string>(
  test: DeclareTest,
  { clauses, make, lacks }: Contract<Subject, Capability>,
): ContractReport {
  const tests: string[] = [];
  const skipped: ContractReport["skipped"][number][] = [];
  for (const { name, needs = [], check } of clauses) {
    const body = async () => {
      const subject = await make();
      try {
        await check(subject);
      } finally {
        await subject.end();
      }
    };
    const capability = needs.find((need) => lacks[need] !== undefined);
    if (capability === undefined) {
      tests.push(name);
      test(name, body);
    } else {
      const reason = lacks[capability] as string;
      skipped.push({ test: name, capability, reason });
      test.skip?.(`${name} (lacks ${capability}: ${reason})`, body);
    }
  }
  return { tests, skipped };
}
