import type { Address } from "../client/connection.js";

const SLOTS = 16_384;

/** Which server has which slot of a cluster. */
export class SlotMap {
  readonly #addresses: (Address | undefined)[] = new Array(SLOTS);

  /** Reads the reply of CLUSTER SLOTS. A server without a name of its own is left out. */
  static from(reply: unknown): SlotMap {
    const map = new SlotMap();
    for (const [first, last, master] of reply as [number, number, [Buffer | null, number]][]) {
      const host = master[0]?.toString() ?? "";
      if (host === "" || host === "?") continue;
      const address = { host, port: Number(master[1]) };
      map.#addresses.fill(address, Number(first), Number(last) + 1);
    }
    return map;
  }

  /** Undefined where no server is known to have it. */
  addressOf(slot: number): Address | undefined {
    return this.#addresses[slot];
  }

  moved(slot: number, address: Address): void {
    this.#addresses[slot] = address;
  }

  /** Every server once. */
  addresses(): Address[] {
    const found = new Map<string, Address>();
    for (const address of this.#addresses) {
      if (address !== undefined) found.set(nameOf(address), address);
    }
    return [...found.values()];
  }
}

export function nameOf({ host, port }: Address): string {
  return `${host}:${port}`;
}
