/** Parts of the pages that list and change things. */

import { Refused } from "./api.js";
import { dialog } from "./dialog.js";
import { el, fill, notice, tell } from "./dom.js";
import { moment } from "./format.js";
import { say } from "./words.js";

/** On a phone what stands in a cell is laid out below its column's name; loose text would stand beside it. */
const inColumn = (part) => (typeof part === "string" && part.trim() ? el("span", {}, part) : part);

/** A table that becomes a list of cards on a phone: every cell knows its column. */
export function table(caption, columns, rows, empty) {
  if (rows.length === 0) return el("p", { class: "quiet" }, empty);
  const head = el("tr", {}, ...columns.map((c) => el("th", { scope: "col" }, c)));
  const body = rows.map((cells) => el("tr", {}, ...cells.map((cell, i) =>
    el("td", { "data-column": columns[i] }, ...[cell].flat().filter((c) => c !== null && c !== undefined).map(inColumn)))));
  return el("table", { class: "list" }, el("caption", { class: "unseen" }, caption), el("thead", {}, head),
    el("tbody", {}, ...body));
}

export const badge = (text, kind = "") => el("span", { class: `badge ${kind}` }, text);

export const button = (text, onclick, kind = "") => el("button", { type: "button", class: kind, onclick }, text);

export const input = (name, more = {}) => el("input", { name, maxlength: 120, required: true, autocomplete: "off", ...more });

export function select(name, choices, chosen = "") {
  return el("select", { name }, ...choices.map(([value, text]) =>
    el("option", { value, selected: value === chosen }, text)));
}

/** A page of a title and what `load` brings; `again` loads it anew. */
export function listPage(title, load, ...before) {
  const place = el("div", { class: "page-body" }, el("p", { class: "quiet" }, say("loading")));
  const problem = notice();
  const node = el("div", { class: "page" }, el("h1", { class: "page-title" }, title), ...before, problem, place);
  async function again() {
    try {
      fill(place, ...[await load(again)].flat().filter(Boolean));
      tell(problem, "");
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      tell(problem, error.words, "error");
    }
  }
  again();
  return { node, again };
}

/** Run an action; a refusal is shown where the page begins. */
export async function attempt(action, page) {
  try {
    await action();
    await page();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    await dialog({ title: say("not-done"), body: [el("p", {}, error.words)], yes: say("close"), action: async () => {},
      isTold: true });
  }
}

/** A secret that is told once: large, to be copied, gone when closed. */
export function once(title, secret, { hint, untilUs = null }) {
  const shown = el("output", { class: "secret" }, secret);
  const copied = el("span", { role: "status", class: "quiet" });
  const copy = button(say("copy"), async () => {
    await navigator.clipboard.writeText(secret);
    copied.textContent = say("copied");
  });
  return dialog({
    title,
    body: [el("p", {}, hint), shown, el("p", { class: "row-of" }, navigator.clipboard ? copy : null, copied),
      untilUs === null ? null : el("p", { class: "quiet" }, say("valid-until", { time: moment(untilUs) }))],
    yes: say("once-done"), action: async () => {}, isTold: true,
  });
}
