import { avatar, byId, make, reconcile } from "./dom.js";
import type { Row } from "./session.js";
import { when } from "./words.js";

const list = byId("conversations", HTMLUListElement);
const empty = byId("no-conversations", HTMLParagraphElement);

interface Drawn {
  readonly row: Row;
  readonly item: HTMLLIElement;
  readonly button: HTMLButtonElement;
}

/** The user's conversations at the side. Each keeps its element, and with it the focus, while what it shows changes. */
export class ConversationList {
  private drawn = new Map<string, Drawn>();

  constructor(private readonly choose: (row: Row) => void) {}

  show(rows: readonly Row[], current: string | undefined): void {
    const drawn = new Map(rows.map((row) => [row.conversation, this.draw(row)]));
    for (const [conversation, { button }] of drawn) {
      if (conversation === current) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    }
    this.drawn = drawn;
    reconcile(
      list,
      [...drawn.values()].map(({ item }) => item),
    );
    empty.hidden = rows.length > 0;
  }

  private draw(row: Row): Drawn {
    const old = this.drawn.get(row.conversation);
    if (old?.row === row) return old;
    const button = old?.button ?? make("button", { type: "button" });
    const item = old?.item ?? make("li", {}, button);
    button.onclick = () => this.choose(row);
    button.replaceChildren(
      avatar(row.title, row.kind),
      make(
        "span",
        { class: "middle" },
        make("span", { class: "name" }, row.title),
        make("span", { class: "preview" }, row.preview),
      ),
      make(
        "span",
        { class: "end" },
        make("time", { datetime: new Date(row.timestamp).toISOString() }, when(row.timestamp)),
        row.unread > 0 && make("span", { class: "unread", "aria-label": `${row.unread} unread` }, String(row.unread)),
      ),
    );
    return { row, item, button };
  }
}
