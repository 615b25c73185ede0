/** The trends of a bed: which span, which parameters, back-filled from the service after every gap. */

import { Refused, get, part } from "./api.js";
import { el, fill, notice, setClass, tell } from "./dom.js";
import { scale, unit } from "./format.js";
import { options } from "./options.js";
import * as data from "./trend_data.js";
import { TrendPlot } from "./trend_plot.js";
import { say } from "./words.js";

const GROUPS = [
  ["trend-pressure", ["SBP", "DBP"]], ["trend-map", ["MAP"]], ["trend-hr", ["HR"]], ["trend-co", ["CO"]],
  ["trend-ci", ["CI"]], ["trend-sv", ["SV"]], ["trend-si", ["SI"]], ["trend-svr", ["SVR"]], ["trend-svri", ["SVRI"]],
];
const ROLES = { HR: "hr", CO: "flow", CI: "flow", SV: "flow", SI: "flow", SVR: "resistance", SVRI: "resistance" };
/** Live rows kept: what lies between two back-fills. */
const LIVE_KEPT = 900;

export class Trends {
  constructor(nowUs) {
    this.nowUs = nowUs;
    this.spanMin = 15;
    this.group = 0;
    this.sessionId = null;
    this.kept = new Map();
    this.live = new Map();
    this.askedAt = -Infinity;
    this.spans = el("div", { class: "choices", role: "group", "aria-label": say("trend-span") });
    this.groups = el("select", { "aria-label": say("trend-what"), onchange: () => this.choose(Number(this.groups.value)) });
    this.place = el("div", { class: "plot", role: "img", "aria-label": say("trend-title") });
    this.legend = el("p", { class: "legend" });
    this.problem = notice();
    this.node = el("section", { class: "trends card" },
      el("div", { class: "trend-bar" }, el("h2", {}, say("trend-title")), this.groups, this.spans),
      this.legend, this.place, this.problem);
    fill(this.groups, ...GROUPS.map(([id], i) => el("option", { value: i }, say(id))));
    fill(this.spans, ...data.SPANS_MIN.map((m) => el("button", {
      type: "button", "data-minutes": m, "aria-pressed": String(m === this.spanMin), onclick: () => this.span(m),
    }, m < 60 ? say("minutes", { n: m }) : say("hours", { n: m / 60 }))));
  }

  get parameters() {
    return GROUPS[this.group][1];
  }

  choose(group) {
    this.group = group;
    this.remake();
    this.backfill();
  }

  span(minutes) {
    this.spanMin = minutes;
    for (const b of this.spans.children) b.setAttribute("aria-pressed", String(Number(b.dataset.minutes) === minutes));
    this.backfill();
  }

  /** A second of the bed; `hasGap`: some before it did not come. */
  heard(msg, hides, hasGap, atUs) {
    if (msg.session_id !== this.sessionId) this.begin(msg.session_id);
    const isNews = this.hides !== hides;
    this.hides = hides;
    if (isNews && this.plot) this.remake();
    for (const [, parameters] of GROUPS) {
      for (const p of parameters) {
        const rows = this.live.get(p) ?? [];
        rows.push(data.fromMessage(msg, p, hides, atUs));
        if (rows.length > LIVE_KEPT) rows.shift();
        this.live.set(p, rows);
      }
    }
    if (hasGap) this.dueAt = performance.now() + 1500;
  }

  begin(sessionId) {
    this.sessionId = sessionId || null;
    this.kept.clear();
    this.live.clear();
    if (this.sessionId) this.backfill();
  }

  /** Once a second. */
  tick() {
    const now = performance.now();
    const everyMs = Math.max(60_000, (this.spanMin * 60_000) / data.POINTS);
    if (this.sessionId && (now > (this.dueAt ?? Infinity) || now - this.askedAt > everyMs)) this.backfill();
    this.show();
  }

  async backfill() {
    if (!this.sessionId) return;
    this.dueAt = Infinity;
    this.askedAt = performance.now();
    const asked = { session: this.sessionId, group: this.group, span: this.spanMin };
    const toUs = Math.round(this.nowUs() ?? Date.now() * 1000);
    const from = toUs - this.spanMin * 60_000_000;
    const query = `from_us=${from}&to_us=${toUs}&points=${data.POINTS}`;
    try {
      const replies = await Promise.all(this.parameters.map((p) =>
        get(`/v1/sessions/${part(asked.session)}/trend?parameter=${p}&${query}`)));
      if (asked.session !== this.sessionId || asked.group !== this.group || asked.span !== this.spanMin) return;
      this.parameters.forEach((p, i) => this.kept.set(p, data.fromReply(replies[i])));
      tell(this.problem, "");
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (error.status !== 404) tell(this.problem, error.words, "error"); // nothing kept of a session that just began
    }
    this.show();
  }

  /** Colours or size of everything changed. */
  remake() {
    this.plot?.stop();
    this.plot = null;
    this.show();
  }

  show() {
    const nowUs = this.nowUs();
    if (nowUs === null || this.place.clientWidth === 0) return;
    this.plot ??= this.make();
    const fromS = nowUs / 1e6 - this.spanMin * 60;
    const { unit: pressure } = options();
    const all = this.parameters.map((p) => data.merged(this.kept.get(p) ?? data.nothing(), this.live.get(p) ?? [], fromS));
    const rows = this.hides === false ? all : all.map(data.withoutEstimates);
    const gaps = rows.flatMap((r) => r.gaps);
    const tables = rows.map((r, i) => data.table(r, scale(this.parameters[i], pressure).factor, Math.max(5, 2.5 * r.stepS)));
    this.plot.show(tables, gaps, [fromS, nowUs / 1e6]);
  }

  make() {
    fill(this.place);
    const styles = getComputedStyle(this.place);
    const ink = (role) => styles.getPropertyValue(`--${role}`).trim();
    this.describe();
    setClass(this.place, "hides", this.hides === true);
    return new TrendPlot(this.place, {
      parameters: this.parameters.map((p) => ({ name: p, ink: ink(ROLES[p] ?? "pressure") })),
      reference: ink("reference"), quiet: ink("faint"), grid: ink("grid"),
    });
  }

  describe() {
    const { unit: pressure } = options();
    const names = `${this.parameters.join(" · ")} ${unit(this.parameters[0], pressure)}`;
    const estimate = el("span", { class: "key estimate-key", "data-role": ROLES[this.parameters[0]] ?? "pressure" },
      say("trend-estimate"));
    fill(this.legend, names, this.hides ? null : estimate, el("span", { class: "key reference-key" }, say("trend-reference")),
      el("span", { class: "key gap-key" }, say("trend-gap")));
  }

  stop() {
    this.plot?.stop();
  }
}
