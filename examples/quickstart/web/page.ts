import { ConversationList } from "./conversation-list.js";
import { editGroup, startChat, startGroup } from "./dialogs.js";
import { avatar, byId, make } from "./dom.js";
import type { Opened, Session } from "./session.js";
import { Thread } from "./thread.js";

const app = byId("app", HTMLDivElement);
const connection = byId("connection", HTMLSpanElement);
const noThread = byId("no-thread", HTMLElement);
const openThread = byId("open-thread", HTMLDivElement);
const threadName = byId("thread-name", HTMLHeadingElement);
const threadAbout = byId("thread-about", HTMLSpanElement);
const threadAvatar = byId("thread-avatar", HTMLSpanElement);
const groupEdit = byId("group-edit", HTMLButtonElement);
const banner = byId("banner", HTMLDivElement);
const earlier = byId("earlier", HTMLButtonElement);
const composer = byId("composer", HTMLFormElement);
const text = byId("text", HTMLTextAreaElement);

const STATES = {
  idle: "Connecting…",
  connecting: "Connecting…",
  syncing: "Catching up…",
  online: "Online",
  waiting: "Offline, trying again",
  closed: "Not connected",
} as const;

/** The page of one user: shows a session and does what its buttons say. */
export class Page {
  private readonly list: ConversationList;
  private shown: { readonly conversation: string; readonly thread: Thread } | undefined;

  constructor(private readonly session: Session) {
    this.list = new ConversationList((row) => {
      void this.act(() => session.open(row.conversation, row.kind, row.title));
    });
    byId("me-name", HTMLElement).textContent = session.me;
    byId("me-avatar", HTMLElement).replaceChildren(avatar(session.me, "direct"));
    byId("new-chat", HTMLButtonElement).onclick = () => this.act(startChat);
    byId("new-group", HTMLButtonElement).onclick = () => this.act(startGroup);
    byId("back", HTMLButtonElement).onclick = () => session.shut();
    groupEdit.onclick = () => this.act(editGroup);
    earlier.onclick = () => session.earlier();
    composer.onsubmit = (event) => {
      event.preventDefault();
      void this.say();
    };
    text.onkeydown = (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      composer.requestSubmit();
    };
    document.addEventListener("visibilitychange", () => session.look());
  }

  /** Shows the session as it is now. */
  render(): void {
    const { client, me, opened, rows, trouble } = this.session;
    const unread = rows.reduce((sum, row) => sum + row.unread, 0);
    document.title = `${unread > 0 ? `(${unread}) ` : ""}${me} · sentseen`;
    const state = trouble === undefined ? client.state : "closed";
    connection.textContent = STATES[state];
    connection.dataset.state = state;
    app.dataset.pane = opened === undefined ? "list" : "thread";
    noThread.hidden = opened !== undefined;
    openThread.hidden = opened === undefined;
    this.list.show(rows, opened?.conversation);
    if (trouble !== undefined) tell(trouble.message, "Use it here");
    else tell(state === "waiting" ? "You are offline. What you write is sent when you are back." : "");
    if (opened === undefined) this.shown = undefined;
    else this.renderThread(opened);
  }

  private renderThread({ conversation, kind, title, entries, more, left, members }: Opened): void {
    const other = this.shown?.conversation !== conversation;
    if (this.shown === undefined || other) this.shown = { conversation, thread: new Thread(this.session.me, kind) };
    if (threadName.textContent !== title || other) threadAvatar.replaceChildren(avatar(title, kind));
    threadName.textContent = title;
    threadAbout.textContent = left ? "You are no longer in this group" : members.join(", ");
    groupEdit.hidden = kind !== "group" || left;
    composer.hidden = left;
    earlier.hidden = !more;
    this.shown.thread.show(entries, other);
  }

  private async act(action: (session: Session) => Promise<void>): Promise<void> {
    await action(this.session);
    if (this.session.opened !== undefined) text.focus();
  }

  private async say(): Promise<void> {
    const said = text.value.trim();
    if (said === "") return;
    text.value = "";
    await this.session.say(said);
  }
}

/** Says something above the messages, with a button that loads the page again where `again` names it. */
function tell(words: string, again?: string): void {
  banner.hidden = words === "";
  if (banner.dataset.words === words) return;
  banner.dataset.words = words;
  banner.replaceChildren(words);
  if (again === undefined) return;
  const button = make("button", { type: "button" }, again);
  button.onclick = () => location.reload();
  banner.append(button);
}
