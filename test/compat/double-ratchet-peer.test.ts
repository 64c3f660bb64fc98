import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { pad, unpad } from "../../src/e2ee/padding.js";
import { acceptSession, beginSession, openMessage, type Session, sealMessage } from "../../src/e2ee/session.js";
import { SUITE } from "../../src/e2ee/wire.js";
import { codeOf, crypto, party, read, scheme, text } from "../property/e2ee-party.js";
import { venv } from "./python.js";

const APP = "sentseen-tests";
const PEER = fileURLToPath(new URL("double_ratchet_peer.py", import.meta.url));
const BOB = { user: "bob", device: "018f0000-0000-7000-8000-00000000000b" };

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const bytes = (digits: unknown) => new Uint8Array(Buffer.from(String(digits), "hex"));

/** Bob, in Python. Commands are answered in order. */
class Peer {
  private readonly process: ChildProcess;
  private readonly waiting: ((answer: Record<string, unknown>) => void)[] = [];
  private errors = "";

  constructor(alice: { user: string; device: string }) {
    const names = [BOB.user, BOB.device, alice.user, alice.device];
    this.process = spawn(venv("python"), [PEER, APP, ...names], { stdio: ["pipe", "pipe", "pipe"] });
    const { stdout, stderr } = this.process;
    if (stdout === null || stderr === null) throw new Error("no pipes");
    createInterface({ input: stdout }).on("line", (line) => this.waiting.shift()?.(JSON.parse(line)));
    stderr.setEncoding("utf8").on("data", (more: string) => {
      this.errors += more;
    });
    this.process.once("close", () => {
      for (const answer of this.waiting.splice(0)) answer({ died: this.errors });
    });
  }

  async ask(command: Record<string, unknown>): Promise<Record<string, unknown>> {
    const answer = new Promise<Record<string, unknown>>((resolve) => this.waiting.push(resolve));
    this.process.stdin?.write(`${JSON.stringify(command)}\n`);
    const got = await answer;
    if (got.died !== undefined) throw new Error(`the peer in Python died:\n${got.died}`);
    return got;
  }

  end(): void {
    this.process.kill("SIGKILL");
  }
}

describe("a Double Ratchet by other hands", () => {
  const made = scheme(40);
  const alice = party(made, "alice");
  let peer: Peer;

  beforeEach(() => {
    peer = new Peer(alice.self.address);
  });

  afterEach(() => peer.end());

  /** A session with the peer that one side began and the other answered. */
  async function meet(who: "we begin" | "the peer begins"): Promise<Session> {
    const ids = [3, 0];
    if (who === "we begin") {
      const given = await peer.ask({ do: "bundle", ids });
      const bundle = {
        address: BOB,
        identity: bytes(given.identity),
        registration: 1,
        signedPrekey: { id: 3, key: bytes(given.signed), createdAt: 5, signature: bytes(given.signature) },
        kemPrekey: null,
        oneTimePrekey: { id: 0, key: bytes(given.one_time) },
      };
      const first = sealMessage(made, beginSession(made, alice.self, bundle, SUITE.classic), text("hello"));
      const heard = await peer.ask({ do: "accept", message: hex(first.message) });
      expect(read(unpad(bytes(heard.plaintext)))).toBe("hello");
      return first.session;
    }
    const { identity, prekeys } = { identity: alice.self.identity, prekeys: alice.prekeys };
    const bundle = {
      identity: hex(identity.public),
      signed: hex(prekeys.signed.public),
      one_time: hex(prekeys.oneTime.public),
      // That library signs the bare key.
      bare_signature: hex(crypto.sign(identity.secret, prekeys.signed.public)),
    };
    const { message } = await peer.ask({ do: "begin", bundle, ids, plaintext: hex(pad(text("hello"))) });
    const accepted = acceptSession(made, alice.self, BOB, bytes(message), { ...prekeys, kem: null }, 0, false);
    expect(read(accepted.plaintext)).toBe("hello");
    return accepted.session;
  }

  it.each(["we begin", "the peer begins"] as const)(
    "where %s, reads whatever comes and is read: 2,000 messages, some lost, in any order",
    async (who) => {
      let session = await meet(who);
      const chance = made.random;
      const below = (limit: number) => ((chance(1)[0] as number) * limit) >> 8;
      const flying: { ours: boolean; said: string; message: string }[] = [];
      const counts = { sent: 0, read: 0, lost: 0 };
      while (counts.sent < 2_000 || flying.length > 0) {
        if (counts.sent < 2_000 && below(10) < 5) {
          const ours = below(2) === 0;
          const said = `${counts.sent++}`;
          if (ours) {
            const sent = sealMessage(made, session, text(said));
            session = sent.session;
            flying.push({ ours, said, message: hex(sent.message) });
          } else {
            const { message } = await peer.ask({ do: "seal", plaintext: hex(pad(text(said))) });
            flying.push({ ours, said, message: String(message) });
          }
          continue;
        }
        // One of the four that fly for longest, so that none comes more than five ratchet keys late.
        const [one] = flying.splice(below(Math.min(4, flying.length)), 1);
        if (!one) continue;
        if (below(10) === 0) {
          counts.lost++;
          continue;
        }
        counts.read++;
        if (one.ours) {
          const { plaintext } = await peer.ask({ do: "open", message: one.message });
          expect(read(unpad(bytes(plaintext)))).toBe(one.said);
          continue;
        }
        const opened = openMessage(made, session, bytes(one.message), 0);
        session = opened.session;
        expect(read(opened.plaintext)).toBe(one.said);
        expect(codeOf(() => openMessage(made, session, bytes(one.message), 0))).toBe("replayed");
      }
      expect(counts.read + counts.lost).toBe(2_000);
      expect(counts.lost).toBeGreaterThan(100);
    },
    120_000,
  );

  it("refuses what was changed on the way, and reads it as it was", async () => {
    const session = await meet("we begin");
    const { message } = sealMessage(made, session, text("unchanged"));
    const forged = message.slice();
    forged[forged.length - 1] = (forged.at(-1) as number) ^ 1;
    expect(await peer.ask({ do: "open", message: hex(forged) })).toEqual({ error: "AuthenticationFailedException" });
    const { plaintext } = await peer.ask({ do: "open", message: hex(message) });
    expect(read(unpad(bytes(plaintext)))).toBe("unchanged");
  });
});
