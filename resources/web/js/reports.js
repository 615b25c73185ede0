/** Reports of a session: made, read, signed by a clinician in their own words, amended, withdrawn. */

import { Refused, get, part, post } from "./api.js";
import { dialog } from "./dialog.js";
import { el, field, fill, notice, tell } from "./dom.js";
import { moment } from "./format.js";
import { attempt, badge, button, input, table } from "./parts.js";
import { sentence } from "./sentences.js";
import { LANGUAGES, language, say } from "./words.js";

const ASK_AGAIN_MS = 2000;
const KINDS = { draft: "warn", final: "good", making: "", failed: "bad", amended: "", withdrawn: "bad" };
const FILES = [["report.html", "html", "report-page"], ["report.pdf", "pdf", "report-pdf"], ["report.xlsx", "xlsx", "report-excel"]];

/** @returns {HTMLElement} the section; it asks again by itself while a report is being made. */
export function reportsPart(session, me) {
  const place = el("div", {});
  const problem = notice();
  const may = (action) => me.actions.has(action);
  const make = may("make-report") && session.rev !== null && session.state !== "erased"
    ? button(say("report-make"), () => attempt(() =>
      post("/v1/reports", { session_id: session.session_id, language: language() }), load), "primary") : null;

  async function load() {
    try {
      const { reports } = await get(`/v1/reports?session_id=${part(session.session_id)}`);
      fill(place, table(say("reports-title"),
        [say("report-version"), say("people-state"), say("report-made"), say("report-files"), say("actions")],
        reports.map((r) => row(r, reports, may, load)), say("report-none")));
      if (reports.some((r) => r.state === "making")) setTimeout(() => place.isConnected && load(), ASK_AGAIN_MS);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      tell(problem, error.words, "error");
    }
  }

  load();
  return el("section", { class: "card" }, el("h2", {}, say("reports-title")),
    el("p", { class: "quiet" }, say("report-hint")), make ? el("p", { class: "row-of" }, make) : null, problem, place);
}

function row(report, all, may, again) {
  const path = `/v1/reports/${part(report.report_id)}`;
  const isShown = ["draft", "final", "amended"].includes(report.state);
  const files = isShown ? FILES.filter(([name]) => Object.hasOwn(report.files, name)) : [];
  const signed = report.signed_by
    ? el("p", {}, say("report-signed", { name: report.signed_by, time: moment(report.signed_us) })) : null;
  const why = report.error ? el("p", { class: "quiet" }, sentence(report.error)) : null;
  return [
    `${report.version} · ${LANGUAGES[report.language]?.["language-name"] ?? report.language}`,
    [badge(say(`report-state-${report.state}`), KINDS[report.state] ?? ""), signed, why],
    [moment(report.created_us), el("p", { class: "quiet" }, report.created_by.replace(/^user:/, ""))],
    el("div", { class: "row-of" }, ...files.map(([, kind, word]) => el("a", {
      class: "button", href: `${path}.${kind}`, "data-file": kind, target: kind === "html" ? "_blank" : null,
      rel: "noopener", download: kind === "html" ? null : "",
    }, say(word)))),
    el("div", { class: "row-of" }, ...madeAgain(report, all, may, again), ...actions(report, path, may, again)),
  ];
}

/** What was given up, as while the store was away, is asked for anew by one button, until there is a newer one. */
function madeAgain(report, all, may, again) {
  const isNewest = all.every((r) => r.version <= report.version || r.language !== report.language);
  if (report.state !== "failed" || !isNewest || !may(report.replaces ? "sign-report" : "make-report")) return [];
  const ask = () => (report.replaces ? post(`/v1/reports/${part(report.replaces)}/amend`)
    : post("/v1/reports", { session_id: report.session_id, language: report.language }));
  return [button(say("report-again"), () => attempt(ask, again), "primary")];
}

function actions(report, path, may, again) {
  if (!may("sign-report")) return [];
  const out = [];
  if (report.state === "draft") out.push(button(say("report-sign"), () => sign(report, path, again), "primary"));
  if (report.state === "final") out.push(button(say("report-amend"), () => attempt(() => post(`${path}/amend`), again)));
  if (["draft", "final", "amended"].includes(report.state)) {
    out.push(button(say("report-withdraw"), () => withdraw(path, again), "dangerous"));
  }
  return out;
}

async function sign(report, path, again) {
  const words = (name) => el("textarea", { name, required: true, maxlength: 8000 });
  const assessment = words("assessment");
  const recommendations = words("recommendations");
  const isDone = await dialog({
    title: say("report-sign-title"), focus: assessment,
    body: [el("p", {}, say("report-sign-text")), field(say("report-assessment"), assessment),
      field(say("report-recommendations"), recommendations)],
    yes: say("report-sign-yes"),
    action: () => post(`${path}/sign`, { facts_sha256: report.facts_sha256, assessment: assessment.value,
      recommendations: recommendations.value }),
  });
  if (isDone) again();
}

async function withdraw(path, again) {
  const reason = input("reason", { minlength: 3, maxlength: 500 });
  const isDone = await dialog({ title: say("report-withdraw-title"), focus: reason,
    body: [field(say("reason"), reason)], yes: say("report-withdraw"), kind: "dangerous",
    action: () => post(`${path}/withdraw`, { reason: reason.value }) });
  if (isDone) again();
}
