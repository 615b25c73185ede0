/** What somebody may look at who may not look at this: their role, and the pages that are theirs. */

import { el } from "./dom.js";
import { say } from "./words.js";

const PLACES = [["see-ward", "/", "menu-ward"], ["see-session", "/sessions", "menu-sessions"],
  ["read-audit", "/audit", "menu-audit"], ["manage", "/people", "menu-people"], ["keep-devices", "/devices", "menu-devices"]];

export function insteadOf(id, me) {
  const roles = [...new Set(me.grants.map((g) => say(`role-${g.role}`)))];
  const links = PLACES.filter(([action]) => me.actions.has(action));
  return el("div", { class: "card" }, el("p", {}, say(id, { roles: roles.length > 0 ? roles : say("none") })),
    el("p", { class: "row-of" }, ...links.map(([, href, word]) => el("a", { class: "button", href }, say(word)))));
}
