/** One session: custody of its files, reports, and what is said to the bedside. */

import { Refused, get, part } from "../api.js";
import { el } from "../dom.js";
import { erasePart } from "../erase.js";
import { holdPart } from "../hold.js";
import { insteadOf } from "../instead.js";
import { bytes, moment } from "../format.js";
import { feedbackPart } from "../feedback.js";
import { listPage, table } from "../parts.js";
import { reportsPart } from "../reports.js";
import { say } from "../words.js";
import { custody, tags } from "./sessions.js";

export function sessionPage({ args, me }) {
  const id = args[0];
  return listPage(say("session-title"), async (again) => {
    let session;
    try {
      session = await get(`/v1/sessions/${part(id)}`);
    } catch (error) {
      if (!(error instanceof Refused) || error.status !== 404) throw error;
      return me.actions.has("see-session") ? el("p", { class: "card" }, say("session-not-yet"))
        : insteadOf("sessions-not-yours", me);
    }
    if (session.state === "erased") return [custodyPart(session, me), revisions(session)];
    const reads = me.actions.has("read-report");
    return [custodyPart(session, me), reads ? reportsPart(session, me) : null, reads ? feedbackPart(session, me) : null,
      revisions(session), erasePart(session, me, again), holdPart(session, me, again)];
  });
}

function custodyPart(session, me) {
  const facts = [
    [say("sessions-subject"), [session.pseudonym ?? say("sessions-erased-subject"), ...tags(session)]],
    [say("sessions-began"), moment(session.created_us)],
    [say("sessions-place"), [session.ward, session.bed].filter(Boolean).join(" · ") || "–"],
    [say("session-template"), session.template || "–"],
    [say("sessions-device"), session.device],
    [say("sessions-custody"), custody(session)],
    [say("session-last"), session.last_received_us ? moment(session.last_received_us) : "–"],
    session.state === "erased" ? null : [say("session-queue"), queue(session.queue)],
    [say("session-id"), el("span", { class: "mono" }, session.session_id)],
  ];
  const damaged = session.damaged?.length > 0
    ? el("p", { class: "notice error" }, say("session-damaged", { files: session.damaged })) : null;
  const seesEstimates = !session.hidden && me.grants.some((g) => ["operator", "researcher", "clinician", "admin"].includes(g.role));
  const mayRead = seesEstimates && me.actions.has("read-samples") && session.rev !== null && session.state !== "erased";
  const erased = session.state === "erased" ? el("p", { class: "notice info" }, say("session-erased")) : null;
  const held = session.held ? el("p", { class: "notice info" }, say("hold-is", { reason: session.held })) : null;
  return el("section", { class: "card" }, damaged, erased, held,
    el("dl", { class: "facts-list" }, ...facts.filter(Boolean).flatMap(([name, value]) =>
      [el("dt", {}, name), el("dd", {}, ...[value].flat().filter(Boolean))])),
    mayRead ? el("p", { class: "row-of" }, el("a", { class: "button", "data-file": "zip",
      href: `/v1/sessions/${part(session.session_id)}/download`, download: "" }, say("session-download"))) : null);
}

function queue(told) {
  if (!told) return "–";
  const last = told.last_success_us ? ` · ${say("queue-last", { time: moment(told.last_success_us) })}` : "";
  return say("queue-waiting", { waiting: told.waiting, total: told.total }) + last;
}

function revisions(session) {
  return el("section", { class: "card" }, el("h2", {}, say("session-revisions")),
    table(say("session-revisions"), ["№", say("session-received"), say("session-files"), "SHA-256"],
      session.revisions.map((r) => [String(r.rev), moment(r.received_us), `${r.files} · ${bytes(r.bytes)}`,
        el("span", { class: "mono" }, r.sha256)]), say("none")));
}
