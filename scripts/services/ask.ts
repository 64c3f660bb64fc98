import { connect } from "node:net";

const ANSWER_WITHIN_MS = 2_000;
const MAX_ANSWER = 1 << 20;

/**
 * Sends bytes over a connection of their own and answers what came back, as soon as `whole` finds that it is all.
 * Rejects where nobody listens, the connection ends early, or two seconds have passed.
 */
export function ask(
  at: { readonly host: string; readonly port: number },
  request: Uint8Array | string,
  whole: (answer: Buffer) => boolean,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let answer = Buffer.alloc(0);
    const where = `${at.host}:${at.port}`;
    const socket = connect({ host: at.host, port: at.port });
    const fail = (error: Error) => {
      socket.destroy();
      reject(error);
    };
    socket.setTimeout(ANSWER_WITHIN_MS, () => fail(new Error(`${where} doesn't answer.`)));
    socket.on("error", fail);
    socket.on("close", () => reject(new Error(`${where} closed the connection.`)));
    socket.on("connect", () => socket.write(request));
    socket.on("data", (bytes) => {
      answer = Buffer.concat([answer, bytes]);
      if (answer.length > MAX_ANSWER) fail(new Error(`${where} answers without end.`));
      if (!whole(answer)) return;
      resolve(answer);
      socket.destroy();
    });
  });
}
