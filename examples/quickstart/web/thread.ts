import type { ChatEntry, ChatMessage } from "sentseen/client";
import { byId, make, reconcile, tint } from "./dom.js";
import { ticks } from "./ticks.js";
import { day, dayKey, tellChange, time } from "./words.js";

const scroll = byId("scroll", HTMLDivElement);
const list = byId("messages", HTMLOListElement);

/** Pixels from the end within which the reader counts as being there. */
const NEAR = 80;

interface Drawn {
  readonly entry: ChatEntry;
  readonly first: boolean;
  readonly node: HTMLElement;
}

/** Messages of one conversation as they are on the page. An entry is drawn again only when it became another. */
export class Thread {
  private drawn = new Map<string, Drawn>();
  private days = new Map<string, HTMLElement>();

  constructor(
    private readonly me: string,
    private readonly kind: "direct" | "group",
  ) {
    list.replaceChildren();
  }

  /** Shows these entries. Stays at the end where the reader was there, and where they were otherwise. */
  show(entries: readonly ChatEntry[], toEnd: boolean): void {
    const fromEnd = scroll.scrollHeight - scroll.scrollTop;
    const atEnd = toEnd || fromEnd - scroll.clientHeight < NEAR;
    const drawn = new Map<string, Drawn>();
    const days = new Map<string, HTMLElement>();
    const nodes: HTMLElement[] = [];
    let before: ChatEntry | undefined;
    for (const entry of entries) {
      const key = dayKey(entry.timestamp);
      const newDay = before === undefined || dayKey(before.timestamp) !== key;
      if (newDay && !days.has(key)) {
        const divider = this.days.get(key) ?? make("li", { class: "day" }, day(entry.timestamp));
        days.set(key, divider);
        nodes.push(divider);
      }
      const first = newDay || before?.type !== "message" || before.sender !== entry.sender;
      const old = this.drawn.get(entry.id);
      const node = old?.entry === entry && old.first === first ? old.node : this.draw(entry, first);
      drawn.set(entry.id, { entry, first, node });
      nodes.push(node);
      before = entry;
    }
    this.drawn = drawn;
    this.days = days;
    reconcile(list, nodes);
    scroll.scrollTop = atEnd ? scroll.scrollHeight : scroll.scrollHeight - fromEnd;
  }

  private draw(entry: ChatEntry, first: boolean): HTMLElement {
    return entry.type === "change"
      ? make("li", { class: "change" }, tellChange(entry, this.me))
      : this.drawMessage(entry, first);
  }

  private drawMessage(message: ChatMessage, first: boolean): HTMLElement {
    const { own, sender } = message;
    const said = message.content_type === "text" ? message.text : `(${message.content_type})`;
    const node = make(
      "li",
      { class: `message${own ? " mine" : ""}${first ? " first" : ""}` },
      first && !own && this.kind === "group" && make("span", { class: "sender" }, sender),
      make("span", { class: "text" }, said),
      make(
        "span",
        { class: "meta" },
        make("time", { datetime: new Date(message.timestamp).toISOString() }, time(message.timestamp)),
        own && ticks(message.status, message.error?.message),
      ),
    );
    return tint(node, sender);
  }
}
