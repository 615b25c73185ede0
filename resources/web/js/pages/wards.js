/** The wards one may see; a single one is opened at once. */

import { get, part } from "../api.js";
import { el } from "../dom.js";
import { insteadOf } from "../instead.js";
import { say } from "../words.js";

/** Where somebody begins who looks at no ward. */
const ELSEWHERE = [["see-session", "/sessions"], ["read-audit", "/audit"], ["manage", "/people"]];

export async function wardsPage({ me }) {
  if (!me.actions.has("see-ward")) {
    const next = ELSEWHERE.find(([action]) => me.actions.has(action));
    return { elsewhere: next?.[1], node: insteadOf("wards-not-yours", me) };
  }
  const { wards } = await get("/v1/wards");
  const cards = wards.map((ward) => el("li", {},
    el("a", { class: "card-link", href: `/ward/${part(ward.id)}` }, el("b", {}, ward.name),
      el("span", { class: "quiet" }, `${ward.site} · ${say("wards-beds", { n: ward.beds.length })}`))));
  const node = el("div", { class: "page" }, el("h1", { class: "page-title" }, say("wards-title")),
    wards.length > 0 ? el("ul", { class: "card-list" }, ...cards) : el("p", { class: "card" }, say("wards-none")));
  return { elsewhere: wards.length === 1 ? `/ward/${part(wards[0].id)}` : undefined, node };
}
