import type { UserId, Uuid } from "../model/ids.js";
import { partitionOf, type Queue } from "../ports/queue.js";

/** The queue's topics, and the groups of consumers that read them. */
export const COMMANDS = "commands";
export const DELIVERIES = "deliveries";
export const MESSAGES_GROUP = "messages";
export const DELIVERY_GROUP = "delivery";

/** The registry's topic that gateways watch, to be told of mailboxes that began anew. */
export const GAPS = "gaps";

/** The registry's topic to which questions for the owner of a partition are put. */
export function ownerOf(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}

/** Which partitions conversations and users belong to. */
export class Routes {
  private readonly commands: number;
  private readonly deliveries: number;

  constructor(queue: Pick<Queue, "partitions">) {
    this.commands = queue.partitions(COMMANDS);
    this.deliveries = queue.partitions(DELIVERIES);
  }

  /** The partition of deliveries that a user's mailbox belongs to. */
  mailbox(user: UserId): number {
    return partitionOf(user, this.deliveries);
  }

  mailboxOwner(user: UserId): string {
    return ownerOf(DELIVERIES, this.mailbox(user));
  }

  conversationOwners(): string[] {
    return Array.from({ length: this.commands }, (_, partition) => ownerOf(COMMANDS, partition));
  }

  conversationOwner(conversation: Uuid): string {
    return ownerOf(COMMANDS, partitionOf(conversation, this.commands));
  }
}
