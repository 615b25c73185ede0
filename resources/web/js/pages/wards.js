/** The wards one may see; a single one is opened at once. */

import { get, part } from "../api.js";
import { el } from "../dom.js";
import { say } from "../words.js";

export async function wardsPage({ go }) {
  const { wards } = await get("/v1/wards");
  if (wards.length === 1) setTimeout(() => go(`/ward/${part(wards[0].id)}`));
  const cards = wards.map((ward) => el("li", {},
    el("a", { class: "card-link", href: `/ward/${part(ward.id)}` }, el("b", {}, ward.name),
      Number.isFinite(ward.beds) ? el("span", { class: "quiet" }, say("wards-beds", { n: ward.beds })) : null)));
  const node = el("div", { class: "page" }, el("h1", { class: "page-title" }, say("wards-title")),
    wards.length > 0 ? el("ul", { class: "card-list" }, ...cards) : el("p", { class: "card" }, say("wards-none")));
  return { node };
}
