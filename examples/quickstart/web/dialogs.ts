import { byId } from "./dom.js";
import type { Session } from "./session.js";

const chatDialog = byId("chat-dialog", HTMLDialogElement);
const chatUser = byId("chat-user", HTMLInputElement);
const groupDialog = byId("group-dialog", HTMLDialogElement);
const groupTitle = byId("group-title", HTMLHeadingElement);
const groupName = byId("group-name", HTMLInputElement);
const groupUsers = byId("group-users", HTMLInputElement);
const groupMembers = byId("group-members", HTMLParagraphElement);
const groupLeave = byId("group-leave", HTMLButtonElement);
const groupOk = byId("group-ok", HTMLButtonElement);

for (const dialog of [chatDialog, groupDialog]) {
  const cancel = dialog.querySelector("button[value=cancel]");
  cancel?.addEventListener("click", () => dialog.close("cancel"));
}

/** Shows a dialog and resolves with the button that ended it; "cancel" for Escape. */
function ask(dialog: HTMLDialogElement, focus: HTMLElement): Promise<string> {
  dialog.returnValue = "cancel";
  dialog.showModal();
  focus.focus();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true }));
}

const namesIn = (text: string): string[] => [...new Set(text.split(/[\s,]+/).filter((name) => name !== ""))];

/** Asks for a name and opens the conversation with that user. */
export async function startChat(session: Session): Promise<void> {
  chatUser.value = "";
  const answer = await ask(chatDialog, chatUser);
  const user = chatUser.value.trim();
  if (answer === "ok" && user !== "") await session.openUser(user);
}

/** Asks for name and members, makes the group and opens it. */
export async function startGroup(session: Session): Promise<void> {
  groupTitle.textContent = "New group";
  groupOk.textContent = "Create";
  groupLeave.hidden = true;
  groupName.value = "";
  groupUsers.value = "";
  groupMembers.textContent = "Names with commas or spaces between them.";
  if ((await ask(groupDialog, groupName)) !== "ok") return;
  const name = groupName.value.trim();
  const conversation = await session.client.createGroup(name, namesIn(groupUsers.value));
  await session.open(conversation, "group", name);
}

/** Shows the open group's members; renames it, adds members or leaves it. */
export async function editGroup(session: Session): Promise<void> {
  const { opened, client } = session;
  if (opened === undefined) return;
  const { conversation } = opened;
  groupTitle.textContent = "Group";
  groupOk.textContent = "Save";
  groupLeave.hidden = false;
  groupName.value = opened.title;
  groupUsers.value = "";
  groupMembers.textContent = "";
  const members = await client.members(conversation);
  groupMembers.textContent = `In it: ${members.map(({ user }) => user).join(", ")}. Names above are added.`;
  const leave = (): void => groupDialog.close("leave");
  groupLeave.addEventListener("click", leave);
  const answer = await ask(groupDialog, groupUsers);
  groupLeave.removeEventListener("click", leave);
  if (answer === "leave") await client.leaveGroup(conversation);
  if (answer !== "ok") return;
  const name = groupName.value.trim();
  if (name !== opened.title) await client.renameGroup(conversation, name);
  const added = namesIn(groupUsers.value);
  if (added.length > 0) await client.addMembers(conversation, added);
}
