import { byId } from "./dom.js";
import { Page } from "./page.js";
import { Session } from "./session.js";

// Kept for this tab only, so that two tabs can be two people.
const NAME = "name";

const signIn = byId("sign-in", HTMLElement);
const form = byId("sign-in-form", HTMLFormElement);
const field = byId("name", HTMLInputElement);

async function chatAs(name: string): Promise<void> {
  sessionStorage.setItem(NAME, name);
  let page: Page | undefined;
  const session = await Session.begin(name, () => page?.render());
  page = new Page(session);
  signIn.hidden = true;
  byId("app", HTMLDivElement).hidden = false;
  page.render();
}

byId("switch-user", HTMLButtonElement).onclick = () => {
  sessionStorage.clear();
  location.assign(location.pathname);
};
form.onsubmit = (event) => {
  event.preventDefault();
  const name = field.value.trim();
  if (name !== "") void chatAs(name);
};

const name = new URLSearchParams(location.search).get("as")?.trim() || sessionStorage.getItem(NAME);
if (name) {
  await chatAs(name);
} else {
  signIn.hidden = false;
  field.focus();
}
