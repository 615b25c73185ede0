/** The wards one may see; a single one is opened at once. */

import { get, part } from "../api.js";
import { el } from "../dom.js";
import { say } from "../words.js";

/** Where somebody begins who looks at no ward. */
const ELSEWHERE = [["see-session", "/sessions"], ["read-audit", "/audit"], ["manage", "/people"]];

export async function wardsPage({ me, go }) {
  if (!me.actions.has("see-ward")) {
    const next = ELSEWHERE.find(([action]) => me.actions.has(action));
    if (next) setTimeout(() => go(next[1], { replace: true }));
    return { node: el("p", { class: "card" }, say("wards-none")) };
  }
  const { wards } = await get("/v1/wards");
  if (wards.length === 1) setTimeout(() => go(`/ward/${part(wards[0].id)}`, { replace: true }));
  const cards = wards.map((ward) => el("li", {},
    el("a", { class: "card-link", href: `/ward/${part(ward.id)}` }, el("b", {}, ward.name),
      el("span", { class: "quiet" }, `${ward.site} · ${say("wards-beds", { n: ward.beds.length })}`))));
  const node = el("div", { class: "page" }, el("h1", { class: "page-title" }, say("wards-title")),
    wards.length > 0 ? el("ul", { class: "card-list" }, ...cards) : el("p", { class: "card" }, say("wards-none")));
  return { node };
}
