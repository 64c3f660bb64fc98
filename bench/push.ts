import { generateKeyPairSync } from "node:crypto";
import { makeCertificate } from "../adapters/push/test/servers/certificate.js";
import { Child } from "./child.js";
import { quietMachine } from "./machine.js";

const SUBJECTS = ["apns2", "sentseen"] as const;
type Subject = (typeof SUBJECTS)[number];

export interface SenderOptions {
  readonly subject: Subject;
  readonly key: string;
  readonly keyId: string;
  readonly teamId: string;
  readonly topic: string;
  readonly url: string;
  readonly ca: string;
  readonly tokens: number;
}

/** What one push to each token came to. */
export interface Batch {
  readonly sent: number;
  readonly seconds: number;
  /** Of the sender's process: user and system, all threads. */
  readonly cpu_us: number;
}

/** One line of output: medians over the rounds. */
interface PushRow {
  readonly bench: "push";
  readonly subject: Subject;
  readonly tokens: number;
  /** Pushes a second that were taken. */
  readonly rate: number;
  /** Microseconds of the sender's CPU a push. */
  readonly cpu_us: number;
  readonly refused: number;
  /** Rounds on a machine that wasn't quiet. */
  readonly noisy: number;
}

const TOKENS = 10_000;
const WARM_UPS = 2;
const SENDER_CORE = 0;
const APPLE_CORE = 1;
const BATCH_MS = 60_000;

/** One push to each of 10,000 tokens, all asked for at once, in turn by each subject. */
export async function pushRows(rounds: number, patience_ms: number): Promise<PushRow[]> {
  const certificate = await makeCertificate();
  const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const team = { keyId: "ABCDE12345", teamId: "TEAM123456", topic: "com.example.chat" };
  const publicKey = pair.publicKey.export({ type: "spki", format: "pem" }).toString();
  const key = pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const batches = new Map<Subject, (Batch & { quiet: boolean })[]>(SUBJECTS.map((subject) => [subject, []]));
  for (let round = 0; round < rounds; round++) {
    for (const subject of SUBJECTS) {
      const quiet = await quietMachine(patience_ms);
      const batch = await measured({ certificate, publicKey, ...team }, (url) => {
        return { subject, key, ...team, url, ca: certificate.cert, tokens: TOKENS };
      });
      batches.get(subject)?.push({ ...batch, quiet });
    }
  }
  return [...batches].map(([subject, all]) => ({
    bench: "push",
    subject,
    tokens: TOKENS,
    rate: Math.round(median(all.map(({ sent, seconds }) => sent / seconds))),
    cpu_us: Number(median(all.map(({ sent, cpu_us }) => cpu_us / sent)).toFixed(1)),
    refused: all.reduce((sum, { sent }) => sum + TOKENS - sent, 0),
    noisy: all.filter(({ quiet }) => !quiet).length,
  }));
}

async function measured(apple: object, sender: (url: string) => SenderOptions): Promise<Batch> {
  const server = new Child("apple", APPLE_CORE, apple);
  try {
    const { port } = await server.says<{ port: number }>(BATCH_MS);
    const child = new Child("push-sender", SENDER_CORE, sender(`https://localhost:${port}`));
    try {
      await child.says(BATCH_MS);
      let batch: Batch | undefined;
      for (let i = 0; i <= WARM_UPS; i++) {
        child.tell("send");
        batch = await child.says<Batch>(BATCH_MS);
      }
      return batch as Batch;
    } finally {
      await child.stop();
    }
  } finally {
    await server.stop();
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  return ((sorted[Math.floor(sorted.length / 2)] ?? 0) + (sorted[Math.floor((sorted.length - 1) / 2)] ?? 0)) / 2;
}
