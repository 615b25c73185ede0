/** A subject withdraws: everything of theirs is erased; what is held or out of reach is listed. Past erasures below. */

import { get, part, post } from "../api.js";
import { dialog } from "../dialog.js";
import { el, field, fill } from "../dom.js";
import { outOfReach, typedAgain } from "../erase.js";
import { moment } from "../format.js";
import { insteadOf } from "../instead.js";
import { badge, button, input, listPage, table } from "../parts.js";
import { say } from "../words.js";

export function withdrawalsPage({ me }) {
  if (!me.actions.has("erase-session")) return { node: insteadOf("withdraw-not-yours", me) };
  const isWhole = me.grants.some((g) => g.role === "admin" && !g.ward_id && !g.study_id);
  const outcome = el("div", { role: "status" });
  const page = listPage(say("withdraw-title"), async () => {
    if (!isWhole) return el("p", { class: "quiet" }, say("withdraw-list-not-yours"));
    const { erasures } = await get("/v1/erasures");
    return [el("h2", {}, say("withdraw-list")), pastErasures(erasures)];
  }, el("section", { class: "card" }, el("p", {}, say("withdraw-text")), el("p", { class: "quiet" }, say("withdraw-hint")),
    el("p", { class: "row-of" }, button(say("withdraw-button"), () => ask(outcome, page.again), "dangerous"))), outcome);
  return page;
}

async function ask(outcome, again) {
  const pseudonym = input("pseudonym", { maxlength: 64, spellcheck: "false" });
  const subject = typedAgain(() => pseudonym.value.trim() || null, say("withdraw-differs"));
  pseudonym.addEventListener("input", subject.check);
  const reason = input("reason", { minlength: 3, maxlength: 400 });
  let told = null;
  const isDone = await dialog({
    title: say("withdraw-sure"), focus: pseudonym, yes: say("withdraw-yes"), kind: "dangerous",
    body: [el("p", {}, say("withdraw-text")), field(say("sessions-subject"), pseudonym),
      field(say("erase-subject"), subject), field(say("reason"), reason, say("erase-reason-hint"))],
    action: async () => {
      told = await post("/v1/subjects/withdraw", { pseudonym: pseudonym.value.trim(), reason: reason.value });
    },
  });
  if (!isDone) return;
  fill(outcome, result(told));
  again();
}

function result({ erased, held }) {
  return el("section", { class: "card" }, el("h2", {}, say("withdraw-done", { n: erased.length })),
    ...erased.map((one) => el("div", {}, el("p", { class: "mono" }, one.session_id), outOfReach(one.unreachable))),
    held.length > 0 ? el("div", {}, el("p", { class: "notice error" }, say("withdraw-held", { n: held.length })),
      el("ul", { class: "plain" }, ...held.map((one) => el("li", {},
        el("a", { href: `/session/${part(one.session_id)}` }, one.session_id), ` · ${one.why}`)))) : null);
}

function pastErasures(erasures) {
  return table(say("withdraw-list"),
    [say("audit-when"), say("session-title"), say("audit-actor"), say("reason"), say("withdraw-bedside"), say("withdraw-unreached")],
    [...erasures].reverse().map((one) => [
      moment(one.at_us), el("span", { class: "mono" }, one.session_id), one.by.replace(/^user:/, ""), one.why,
      one.bedside_us ? badge(say("withdraw-gone", { time: moment(one.bedside_us) }), "good") : badge(say("withdraw-waits"), "warn"),
      one.unreachable.length > 0 ? outOfReach(one.unreachable) : say("none")]), say("withdraw-list-none"));
}
