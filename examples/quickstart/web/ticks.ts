import type { Status } from "sentseen/client";
import { make } from "./dom.js";

const PATHS: Readonly<Record<Status, readonly string[]>> = {
  queued: ["M9 2.5a4.5 4.5 0 1 0 0 9a4.5 4.5 0 1 0 0-9", "M9 4.8V7l1.6 1"],
  sent: ["m4 7 3.5 3.5L14 3"],
  delivered: ["m1.5 7 3.5 3.5L11.5 3", "m8 9.5 1 1L16 3"],
  read: ["m1.5 7 3.5 3.5L11.5 3", "m8 9.5 1 1L16 3"],
  failed: ["M9 2v6", "M9 11v.1"],
};

const WORDS: Readonly<Record<Status, string>> = {
  queued: "Waiting to be sent",
  sent: "Sent",
  delivered: "Delivered",
  read: "Read",
  failed: "Not sent",
};

const SVG = "http://www.w3.org/2000/svg";

/** How far an own message has got: a clock, one tick, two ticks, two coloured ticks; and the word for it. */
export function ticks(status: Status, why?: string): HTMLElement {
  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("viewBox", "0 0 18 14");
  drawing.setAttribute("aria-hidden", "true");
  for (const d of PATHS[status]) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", d);
    drawing.append(path);
  }
  const word = why === undefined ? WORDS[status] : `${WORDS[status]}: ${why}`;
  return make("span", { class: "ticks", "data-status": status, role: "img", "aria-label": word, title: word }, drawing);
}
