import { newId } from "../../src/model/ids.js";
import type { ClientFrame, ServerFrame } from "../../src/protocol/frames.js";
import { holds, pause, within } from "./deadline.js";
import { digestOf, History } from "./history.js";
import { ServerProcess, type ServerSetup } from "./server-process.js";
import { WireClient } from "./wire-client.js";

type Command = Extract<ClientFrame, { type: "send" | "group.create" | "group.rename" }>;

/** What a device was told of its commands over one connection: id → "seq/timestamp" or the refusal's code. */
export type Answers = ReadonlyMap<string, string>;

export interface CrashRun {
  readonly history: History;
  /** The answers before the crash, after the first restart, and after the second. */
  readonly answers: readonly [Answers, Answers, Answers];
  /** The commands in the order in which they were sent. */
  readonly ids: readonly string[];
}

const ALICE = { user: "alice", device: "alice" };
const BOB = { user: "bob", device: "bob" };
const CAROL = { user: "carol", device: "carol" };

/** Commands in one run: fewer than a device may have unacknowledged, so each may be repeated at any time. */
const COMMANDS = 48;
/** Commands that are sent at once. */
const BURST = 6;

/**
 * Alice writes to bob, who is there, and to a group with carol, who has never been there, until the server kills
 * itself at the crash point. Then everything is sent again to a new server, which is killed as well, and once more.
 * Nobody has acknowledged anything, so in the end each receiver reads everything.
 */
export async function crashRun(file: string, setup: ServerSetup & { readonly crashAt: string }): Promise<CrashRun> {
  const history = new History();
  const alice = newId();
  const bob = newId();
  const commands = makeCommands();
  for (const whose of [BOB, CAROL]) history.add({ type: "enrolled", ...whose });

  let server = await ServerProcess.start(file, setup);
  let sender = await WireClient.open(server.port, ALICE, alice, history);
  const receiver = await WireClient.open(server.port, BOB, bob, history);
  for (let from = 0; from < commands.length && sender.alive; from += BURST) {
    const burst = commands.slice(from, from + BURST);
    for (const command of burst) submit(history, command);
    sender.send(burst);
    // Every other burst is answered and flushed before the next; those between meet the flush of the one before.
    if (from % (2 * BURST) > 0) continue;
    await sender.until("answers", (frames) => answersOf(frames).size >= from + BURST).catch(() => {});
    await pause(4 * (setup.flush ?? 0));
  }
  if (!(await holds(() => !server.running))) {
    await server.kill();
    throw new Error(`the server never came to ${setup.crashAt}`);
  }
  await Promise.all([sender.closed(), receiver.closed()]);
  const before = answersOf(sender.frames);

  const answers: Answers[] = [];
  for (const last of [false, true]) {
    const { crashAt: _, ...calm } = setup;
    server = await ServerProcess.start(file, calm);
    sender = await WireClient.open(server.port, ALICE, alice, history);
    for (const command of commands) submit(history, command);
    sender.send(commands);
    await sender.until("all answers", (frames) => answersOf(frames).size === commands.length);
    answers.push(answersOf(sender.frames));
    if (last) await readAll(server.port, history, bob);
    else await pause(3 * (setup.flush ?? 0));
    sender.drop();
    await within("the kill", server.kill());
  }
  return {
    history,
    answers: [before, answers[0] as Answers, answers[1] as Answers],
    ids: commands.map(({ id }) => id),
  };
}

function makeCommands(): Command[] {
  const group = newId();
  return Array.from({ length: COMMANDS }, (_, i): Command => {
    const command = { ref: i, id: newId() };
    if (i === 2) {
      return { ...command, type: "group.create", conversation: group, name: "group", users: ["bob", "carol"] };
    }
    if (i % 11 === 10) return { ...command, type: "group.rename", conversation: group, name: `group ${i}` };
    // Refused: nobody has made this one.
    if (i % 13 === 12) return { ...command, type: "group.rename", conversation: newId(), name: "nothing" };
    const message = {
      ...command,
      type: "send" as const,
      content_type: "text" as const,
      content: Buffer.from(`message ${i}`),
    };
    return i > 2 && i % 2 === 0 ? { ...message, conversation: group } : { ...message, user: "bob" };
  });
}

function submit(history: History, command: Command): void {
  const { id } = command;
  const digest = command.type === "send" ? { digest: digestOf(command.content) } : {};
  history.add({ type: "submitted", ...ALICE, id, ...digest });
  history.add({ type: "queued", ...ALICE, id });
}

function answersOf(frames: readonly ServerFrame[]): Answers {
  const answers = new Map<string, string>();
  for (const frame of frames) {
    if (frame.type === "ack") answers.set(frame.id, `${frame.seq}/${frame.timestamp}`);
    if (frame.type === "error" && frame.id !== undefined) answers.set(frame.id, frame.code);
  }
  return answers;
}

/** Bob and carol read all that is in their mailboxes, which is what their applications get. */
async function readAll(port: number, history: History, bob: string): Promise<void> {
  for (const [whose, device] of [
    [BOB, bob],
    [CAROL, newId()],
  ] as const) {
    const from = history.happenings.length;
    const reader = await WireClient.open(port, whose, device, history);
    const received = history.happenings.slice(from).flatMap((it) => (it.type === "received" ? [it] : []));
    for (const { entry } of received) history.add({ type: "delivered", ...whose, entry });
    reader.drop();
  }
}
