import { Random } from "../chaos/random.js";
import type { Line } from "./traffic.js";

/** How much traffic is made. */
export interface Amount {
  readonly users: number;
  readonly lines: number;
}

/** Words in several scripts, with what people's keyboards and clipboards add. */
const WORDS = [
  ...'hi thanks ok so how do I mount it again :) try sudo apt-get lol what? no. 1) /etc/fstab <b> && \\n %s "quoted"'.split(
    " ",
  ),
  ..."привет спасибо 你好 謝謝 नमस्ते שלום مرحبا ありがとう 안녕 naïve Ωmega 👍🏽 👨‍👩‍👧 e\u0301 \u200b \ufeff".split(
    " ",
  ),
  "tab\there",
  "\u0000",
];

/**
 * Traffic of the shape that a busy public channel has: a few talk much and most hardly, people come and go or speak
 * without having come, silences and bursts, mentions, empty lines. The same seed makes the same traffic.
 */
export function generateTraffic(seed: number, { users, lines }: Amount): Line[] {
  const random = new Random(seed);
  const names = Array.from({ length: users }, (_, i) => `u${String(i + 1).padStart(4, "0")}`);
  // The square of an even spread favours the first names: few talk much.
  const someone = (): string => names[Math.floor(random.next() ** 2 * names.length)] as string;
  const traffic: Line[] = [];
  let speaker = someone();
  while (traffic.length < lines) {
    const what = random.weighted({ say: 70, join: 20, leave: 10 });
    if (what !== "say") {
      traffic.push({ do: what, user: random.pick(names) });
      continue;
    }
    // Who has spoken often goes on.
    if (random.chance(0.7)) speaker = someone();
    traffic.push({ do: "say", user: speaker, text: makeText(random, someone) });
  }
  return traffic;
}

function makeText(random: Random, someone: () => string): string {
  if (random.chance(0.01)) return "";
  const words = Array.from({ length: random.chance(0.05) ? random.between(40, 80) : random.between(1, 12) }, () =>
    random.pick(WORDS),
  );
  if (random.chance(0.4)) words.unshift(`${someone()}:`);
  return words.join(" ");
}
