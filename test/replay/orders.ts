/** What the conductor asks of a process of clients. */
export type Order =
  /** Where each gateway is reached, now; null where it isn't. */
  | { readonly do: "gateways"; readonly ports: readonly (number | null)[] }
  | { readonly do: "online" | "offline"; readonly user: string }
  | { readonly do: "create"; readonly user: string; readonly name: string; readonly users: readonly string[] }
  | { readonly do: "say"; readonly user: string; readonly conversation: string; readonly text: string }
  /** A fault on one connection of the process, chosen by a number from 0 up to 1. */
  | { readonly do: "cut" | "freeze"; readonly choice: number }
  /** No more faults: what is frozen is reset. */
  | { readonly do: "heal" }
  /** Wait until these users have all of a conversation, and compare. */
  | {
      readonly do: "compare";
      readonly conversation: string;
      readonly users: readonly string[];
      readonly transcript: readonly Said[];
      /** How long a transcript may stay as it is before it counts as stuck, in milliseconds. */
      readonly patience: number;
    }
  | { readonly do: "end" };

export interface Said {
  readonly user: string;
  readonly text: string;
}

/** An order as it travels, with the number that its answer carries. */
export interface Numbered {
  readonly number: number;
  readonly order: Order;
}

/** What an order came to. */
export type Answer =
  | { readonly number: number; readonly done: Done }
  /** The run is over: something must not be so. */
  | { readonly number: number; readonly violation: string };

export type Done =
  | null
  /** The group's conversation. */
  | { readonly conversation: string }
  /** Lines that were compared. */
  | { readonly lines: number };
