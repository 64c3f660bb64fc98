import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** A way to a server that can be cut, or go dead without anybody being told. */
export class Tunnel {
  readonly #target: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #servers = new Set<Socket>();
  readonly #subscribed = new Set<Socket>();
  readonly #pairs = new Map<Socket, Socket>();
  readonly #held: { readonly server: Socket; readonly data: Buffer }[] = [];
  #refusing = false;
  #swallowing = false;

  private constructor(target: number) {
    this.#target = target;
    this.#server = createServer((client) => this.#accept(client));
  }

  static async to(port: number): Promise<Tunnel> {
    const tunnel = new Tunnel(port);
    tunnel.#server.listen(0, "127.0.0.1");
    await once(tunnel.#server, "listening");
    return tunnel;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the tunnel is closed");
    return address.port;
  }

  /** Ends all connections. New ones are made. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Ends all connections and refuses new ones until `mend`. */
  sever(): void {
    this.#refusing = true;
    this.cut();
  }

  /** No byte passes any more on the connections that are subscribed to something, and nobody is told. */
  deadenSubscribed(): void {
    for (const socket of this.#subscribed) socket.pause().unpipe();
  }

  /** No byte passes any more, and nobody is told. New connections are made and nothing passes there either. */
  swallow(): void {
    this.#swallowing = true;
    for (const socket of this.#sockets) socket.pause().unpipe();
  }

  /** Holds back what servers answer, until `mend`. */
  holdAnswers(): void {
    for (const socket of this.#servers) socket.pause();
  }

  /** Whoever is connected can still send, and the server gets it late, though the sender be gone. New ones work. */
  holdRequests(): void {
    for (const [client, server] of this.#pairs) {
      client.unpipe(server);
      client.removeAllListeners("close");
      client.on("data", (data: Buffer) => this.#held.push({ server, data })).resume();
    }
  }

  letRequestsThrough(): void {
    for (const { server, data } of this.#held.splice(0)) server.write(data);
  }

  mend(): void {
    this.#refusing = false;
    if (this.#swallowing) this.cut();
    this.#swallowing = false;
    for (const socket of this.#servers) socket.resume();
  }

  async end(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, "close");
  }

  #accept(client: Socket): void {
    if (this.#refusing) {
      client.destroy();
      return;
    }
    const server = connect(this.#target, "127.0.0.1");
    this.#servers.add(server);
    this.#pairs.set(client, server);
    client.on("close", () => this.#pairs.delete(client));
    client.on("data", (data: Buffer) => {
      if (!/ssubscribe/i.test(data.toString("latin1"))) return;
      this.#subscribed.add(client);
      this.#subscribed.add(server);
    });
    this.#join(client, server);
    this.#join(server, client);
  }

  #join(socket: Socket, other: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      for (const sockets of [this.#sockets, this.#servers, this.#subscribed]) sockets.delete(socket);
      other.destroy();
    });
    if (!this.#swallowing) socket.pipe(other);
  }
}
