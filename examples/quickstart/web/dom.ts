type Child = Node | string | null | undefined | false;

/** The element of the page with this id. Throws where index.html has none of that kind. */
export function byId<E extends HTMLElement>(id: string, kind: new () => E): E {
  const element = document.getElementById(id);
  if (!(element instanceof kind)) throw new Error(`index.html has no #${id} of the right kind`);
  return element;
}

/** A new element. What users wrote goes in as text, never as markup. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string | undefined>> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) element.setAttribute(name, value);
  }
  for (const child of children) if (child) element.append(child);
  return element;
}

/** Brings a list's children to be these nodes, in order, touching only what differs: focus and scroll stay. */
export function reconcile(list: Element, nodes: readonly Element[]): void {
  const wanted = new Set(nodes);
  for (const child of [...list.children]) if (!wanted.has(child)) child.remove();
  nodes.forEach((node, i) => {
    if (list.children[i] !== node) list.insertBefore(node, list.children[i] ?? null);
  });
}

/** Gives an element the colour of a name, the same in every tab. */
export function tint<E extends HTMLElement>(element: E, name: string): E {
  let hash = 7;
  for (const letter of name) hash = (hash * 31 + (letter.codePointAt(0) ?? 0)) % 3_600;
  element.style.setProperty("--hue", String(hash % 360));
  return element;
}

export function avatar(name: string, kind: "direct" | "group"): HTMLElement {
  const sign = kind === "group" ? "#" : ([...name.trim()][0] ?? "?");
  return tint(make("span", { class: `avatar ${kind}`, "aria-hidden": "true" }, sign), name);
}
