import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** One connection through the proxy. */
interface Link {
  readonly client: Socket;
  readonly upstream: Socket;
  /** Nothing is forwarded any more, in either direction, and no end is told. */
  dead: boolean;
  /** What the server sends is lost, and the server isn't told. */
  deaf: boolean;
  /** Nothing is read from the server for a while. */
  slow: boolean;
}

/**
 * A TCP proxy on loopback that misbehaves when asked. A faulty network in one object: connections that are cut, ones
 * that are dead without either end being told (half-open), ones that are read slowly, and none at all.
 */
export class FaultyProxy {
  private readonly links = new Set<Link>();
  private refusing = false;
  private slowing = false;
  private slowTimer: NodeJS.Timeout | null = null;
  private accepted = 0;

  private constructor(
    private readonly server: Server,
    /**
     * The ports that connections go to, each to the next one; null where there is no server just now. They change when
     * servers come back on others.
     */
    public targets: readonly (number | null)[],
  ) {
    server.on("connection", (client) => this.accept(client));
  }

  static async open(...targets: readonly (number | null)[]): Promise<FaultyProxy> {
    // Half-open ends are kept apart, so that a FIN is passed on as a FIN.
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(0, "127.0.0.1", resolve);
    });
    return new FaultyProxy(server, targets);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  private accept(client: Socket): void {
    client.on("error", () => {});
    const port = this.targets[this.accepted++ % this.targets.length] ?? null;
    if (this.refusing || port === null) {
      client.resetAndDestroy();
      return;
    }
    const upstream = connect({ port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
    const link: Link = { client, upstream, dead: false, deaf: false, slow: this.slowing };
    this.links.add(link);
    upstream.on("error", () => {});
    forward(link, client, upstream);
    forward(link, upstream, client);
    if (link.slow) upstream.pause();
    const gone = (): void => {
      // The ends of a dead link learn nothing of each other.
      if (link.dead) return;
      client.destroy();
      upstream.destroy();
      this.links.delete(link);
    };
    client.on("close", gone);
    upstream.on("close", gone);
  }

  /** Cuts every connection with a reset on both sides. */
  cut(): void {
    for (const { client, upstream } of this.links) {
      client.resetAndDestroy();
      upstream.resetAndDestroy();
    }
    this.links.clear();
  }

  /** Cuts one connection, chosen by a number from 0 up to 1. Answers false where there is none. */
  cutOne(choice: number): boolean {
    const link = this.chosen(choice);
    link?.client.resetAndDestroy();
    link?.upstream.resetAndDestroy();
    return link !== undefined;
  }

  /** Stops forwarding on every connection there is now, without telling either end. New ones work. */
  freeze(): void {
    for (const link of this.links) freeze(link);
  }

  /** Freezes one connection, chosen by a number from 0 up to 1. Answers false where there is none. */
  freezeOne(choice: number): boolean {
    const link = this.chosen(choice);
    if (link !== undefined) freeze(link);
    return link !== undefined;
  }

  private chosen(choice: number): Link | undefined {
    const living = [...this.links].filter(({ dead }) => !dead);
    return living[Math.floor(choice * living.length)];
  }

  /** What the client sends on its connections goes on arriving; of the answers none does. */
  deafen(): void {
    for (const link of this.links) link.deaf = true;
  }

  /**
   * The client sees its connections cut, the server doesn't: it holds on to them until they have been silent for too
   * long or a newer one takes over.
   */
  abandon(): void {
    this.freeze();
    for (const { client } of this.links) client.resetAndDestroy();
  }

  /** For so long nothing is read from the server: what it sends fills the buffers on the way, then its own. */
  slow(milliseconds: number): void {
    this.slowing = true;
    for (const link of this.links) {
      link.slow = true;
      link.upstream.pause();
    }
    if (this.slowTimer !== null) clearTimeout(this.slowTimer);
    this.slowTimer = setTimeout(() => this.hurry(), milliseconds);
  }

  private hurry(): void {
    this.slowing = false;
    for (const link of this.links) {
      link.slow = false;
      if (!link.dead) link.upstream.resume();
    }
  }

  /** While refusing, new connections are reset at once. */
  refuse(refusing: boolean): void {
    this.refusing = refusing;
  }

  /** Ends every fault: new connections work, dead ones are reset. */
  heal(): void {
    this.refusing = false;
    if (this.slowTimer !== null) clearTimeout(this.slowTimer);
    this.hurry();
    for (const link of [...this.links]) {
      if (!link.dead && !link.deaf) continue;
      link.client.resetAndDestroy();
      link.upstream.resetAndDestroy();
      this.links.delete(link);
    }
  }

  async close(): Promise<void> {
    if (this.slowTimer !== null) clearTimeout(this.slowTimer);
    this.cut();
    await new Promise<void>((resolve) => {
      this.server.close(() => resolve());
    });
  }
}

function freeze(link: Link): void {
  link.dead = true;
  link.client.pause();
  link.upstream.pause();
}

/** Passes on bytes and the end of them, no faster than they are taken. */
function forward(link: Link, from: Socket, to: Socket): void {
  from.on("data", (bytes) => {
    if (link.dead || to.destroyed || (link.deaf && to === link.client)) return;
    if (!to.write(bytes)) from.pause();
  });
  to.on("drain", () => {
    if (!link.dead && !(link.slow && from === link.upstream)) from.resume();
  });
  from.on("end", () => {
    if (!link.dead) to.end();
  });
}
