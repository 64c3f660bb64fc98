import { directConversation, type UserId, type Uuid } from "../model/ids.js";

/** Remembers the ids of direct conversations, which take a hash to compute, for the pairs that were asked last. */
export class DirectIds {
  private young = new Map<string, Uuid>();
  private old = new Map<string, Uuid>();

  /** `remembered` is about how many are kept. */
  constructor(private readonly remembered: number) {}

  of(sender: UserId, other: UserId): Uuid {
    const pair = `${sender}\u0000${other}`;
    const known = this.young.get(pair);
    if (known !== undefined) return known;
    const id = this.old.get(pair) ?? directConversation(sender, other);
    this.young.set(pair, id);
    if (this.young.size > this.remembered / 2) {
      this.old = this.young;
      this.young = new Map();
    }
    return id;
  }
}
