/** The audit log: read, filtered, and proved. */

import { get } from "../api.js";
import { el, fill, notice, tell } from "../dom.js";
import { moment, timeOfDay } from "../format.js";
import { badge, button, listPage, select, table } from "../parts.js";
import { say } from "../words.js";

const PAGE = 100;

export function auditPage() {
  let shown = [];
  let before = null;
  const actor = el("input", { name: "actor", placeholder: say("audit-actor"), "aria-label": say("audit-actor"), maxlength: 200 });
  const outcome = select("outcome", [["", say("audit-any")], ["ok", say("audit-ok")], ["refused", say("audit-refused")]]);
  outcome.setAttribute("aria-label", say("audit-outcome"));
  const verdict = notice("info");
  const form = el("form", { class: "row-of filters", onsubmit: (event) => { event.preventDefault(); page.again(); } },
    actor, outcome, el("button", { type: "submit" }, say("audit-filter")), button(say("audit-verify"), () => verify(verdict)));

  async function load(from) {
    const query = new URLSearchParams({ limit: PAGE });
    if (actor.value) query.set("actor", actor.value);
    if (outcome.value) query.set("outcome", outcome.value);
    if (from !== null) query.set("before", from);
    const told = await get(`/v1/audit?${query}`);
    before = told.next_before;
    return told.entries;
  }

  const page = listPage(say("audit-title"), async () => {
    shown = await load(null);
    return draw();
  }, form, verdict);

  function draw() {
    return [rows(shown), before === null ? null : el("p", { class: "row-of" }, button(say("more"), async () => {
      shown = [...shown, ...await load(before)];
      fill(page.node.querySelector(".page-body"), ...draw().filter(Boolean));
    }))].filter(Boolean);
  }

  return page;
}

function rows(entries) {
  return table(say("audit-title"),
    ["№", say("audit-when"), say("audit-actor"), say("audit-action"), say("audit-outcome"), say("audit-detail")],
    entries.map((e) => [
      String(e.no), `${moment(e.at_us).slice(0, 10)} ${timeOfDay(e.at_us, { seconds: true })}`, e.actor, e.action,
      e.outcome === "ok" ? badge(say("audit-ok"), "good") : badge(say("audit-refused"), "warn"),
      el("span", { class: "mono" }, [e.object, e.origin, details(e.detail)].filter(Boolean).join(" · "))]), say("none"));
}

const details = (detail) => Object.entries(detail ?? {}).map(([k, v]) => `${k}=${JSON.stringify(v)}`).join(" ");

async function verify(verdict) {
  tell(verdict, say("loading"), "info");
  const told = await get("/v1/audit/verify");
  if (told.broken_at === null) tell(verdict, say("audit-whole", { n: told.entries, head: told.head }), "info");
  else tell(verdict, say("audit-broken", { no: told.broken_at }), "error");
}
