import type { Action, Command, Origin } from "../model/command.js";
import type { UserId, Uuid } from "../model/ids.js";
import type { ContentType, Envelope } from "../model/message.js";

// Classes, and not literals: each message makes one of each, they live for as long as a commit takes, and V8 puts what
// a literal makes straight into the old space once it has seen most of it survive. Collecting it from there cost a
// twelfth of all that a message costs.

export class GivenCommand implements Command {
  readonly own_copy = true;

  constructor(
    readonly conversation: Uuid,
    readonly id: Uuid,
    readonly sender: UserId,
    readonly device: Uuid,
    readonly timestamp: number,
    readonly origin: Origin,
    readonly action: Action,
  ) {}
}

export class ConnectionOrigin implements Origin {
  constructor(
    readonly node: string,
    readonly connection: number,
    readonly ref: number,
  ) {}
}

/** Fields that weren't given aren't there. */
export class SendAction {
  readonly type = "send";
  declare to?: UserId;
  declare envelopes?: readonly Envelope[];
  declare silent?: boolean;
  declare mentions?: readonly UserId[];

  constructor(
    readonly content_type: ContentType,
    readonly content: Uint8Array,
  ) {}
}
