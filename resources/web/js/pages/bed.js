/** One bed: who, waves, every number, trends. */

import { confirmBinding } from "../binding.js";
import { view } from "../bed_view.js";
import { el, fill, setClass, setShown, setText } from "../dom.js";
import { PARAMETERS, elapsed, since, timeOfDay } from "../format.js";
import { options } from "../options.js";
import { numericsDom } from "../row_dom.js";
import { sentence } from "../sentences.js";
import { Sweep } from "../sweep.js";
import { ageWords, missedWords, needWords, who } from "../tile.js";
import { Trends } from "../trends.js";
import { WardFeed } from "../ward_feed.js";
import { say } from "../words.js";

const MM_PER_S = 25;
const DRAW_MS = 40;

export function bedPage({ ward, bedId, me, shell }) {
  return new BedPage(ward, bedId, me, shell);
}

class BedPage {
  constructor(ward, bedId, me, shell) {
    this.ward = ward;
    this.bedId = bedId;
    this.me = me;
    this.shell = shell;
    this.sessionId = null;
    this.build();
    this.frame = this.frame.bind(this);
  }

  build() {
    const wave = (name) => el("canvas", { class: `wave large-wave ${name}`, "aria-label": say(`wave-${name}`), role: "img" });
    this.p = {
      label: el("span", { class: "bed-label" }), pseudonym: el("span", { class: "pseudonym" }),
      times: el("span", { class: "times" }), devices: el("p", { class: "devices" }),
      watermark: el("p", { class: "watermark" }), binding: el("p", { class: "binding" }),
      age: el("span", { class: "age" }), missed: el("span", { class: "missed" }), needs: el("p", { class: "tile-needs" }),
      facts: el("ul", { class: "fact-list" }), footer: el("p", { class: "claim" }), hidden: el("p", { class: "hidden-note" }),
      session: el("a", { class: "button", href: "/sessions" }), streams: el("tbody", {}),
      ppg: wave("ppg"), cnap: wave("cnap"),
    };
    const p = this.p;
    this.numerics = numericsDom(PARAMETERS);
    this.sweeps = {
      ppg: new Sweep(p.ppg, { mmPerS: MM_PER_S, role: "ppg", scale: true }),
      cnap: new Sweep(p.cnap, { mmPerS: MM_PER_S, role: "reference", scale: true }),
    };
    this.trends = new Trends(() => this.feed.nowUs());
    const lane = (name, canvas) => el("figure", { class: "lane" }, el("figcaption", { "data-wave": name }, say(`wave-${name}`),
      el("span", { class: "quiet" }, say("speed", { speed: MM_PER_S }))), canvas);
    this.node = el("div", { class: "bed" },
      el("div", { class: "bed-head" },
        el("a", { class: "button", href: `/ward/${encodeURIComponent(this.ward.id)}` },
          `‹ ${say("ward-title", { name: this.ward.name })}`),
        p.label, el("h1", { class: "who" }, p.pseudonym), p.times, p.session),
      p.devices, p.watermark, p.binding, el("p", { class: "ages" }, p.age, p.missed), p.needs,
      el("div", { class: "bed-body" },
        el("div", { class: "bed-left" }, lane("ppg", p.ppg), lane("cnap", p.cnap), this.trends.node),
        el("div", { class: "bed-right" }, this.numerics.node, p.hidden, p.footer, p.facts),
        el("table", { class: "streams" }, el("caption", {}, say("streams-title")),
          el("thead", {}, el("tr", {}, ...["stream", "state", "rate", "received", "on-disk"].map((c) =>
            el("th", { scope: "col" }, say(`streams-${c}`))))), p.streams)),
      el("p", { class: "view-only" }, say("view-only")));
  }

  start() {
    this.feed = new WardFeed(this.ward.id, this.shell, {
      onBeds: () => this.refresh(),
      onBed: (bedId, message) => { if (bedId === this.bedId) this.heard(message); },
      onTick: () => this.refresh(),
      onBack: () => this.trends.backfill(),
    });
    this.feed.start();
    this.drawnMs = performance.now();
    this.running = requestAnimationFrame(this.frame);
  }

  stop() {
    this.feed?.stop();
    this.trends.stop();
    cancelAnimationFrame(this.running);
  }

  heard(message) {
    const { msg } = message;
    if (msg.session_id !== this.sessionId) this.turn(msg.session_id);
    for (const [name, sweep] of Object.entries(this.sweeps)) sweep.add(msg.waves?.[name]);
    const bed = this.feed.ward.beds.get(this.bedId);
    this.trends.heard(msg, !this.view().showsEstimates, bed.missedAtUs === bed.atUs, bed.atUs);
    this.isDirty = true;
  }

  /** Another session at this bed: nothing of the one before stays on the page. */
  turn(sessionId) {
    this.sessionId = sessionId;
    for (const sweep of Object.values(this.sweeps)) sweep.clear();
  }

  view() {
    const bed = this.feed.ward.beds.get(this.bedId);
    return bed ? view(bed, this.feed.nowUs(), { pressure: options().unit, parameters: PARAMETERS }) : null;
  }

  frame(nowMs) {
    this.running = requestAnimationFrame(this.frame);
    if (this.isDirty) this.update();
    const passedMs = nowMs - this.drawnMs;
    if (passedMs < DRAW_MS) return;
    this.drawnMs = nowMs;
    if (!this.feed.isAlive) return;
    for (const sweep of Object.values(this.sweeps)) sweep.step(passedMs / 1000);
  }

  refresh() {
    this.update();
    this.trends.tick();
  }

  update() {
    this.isDirty = false;
    const shown = this.feed.nowUs() === null ? null : this.view();
    if (shown === null) {
      if (this.feed.isKnown) setText(this.p.pseudonym, say("problem-not-here"));
      return;
    }
    const nowUs = this.feed.nowUs();
    this.head(shown, nowUs);
    this.numerics.update(shown);
    setClass(this.node, "stale", shown.isStale);
    setClass(this.node, "hides", !shown.showsEstimates);
    setText(this.p.footer, shown.footer ? sentence(shown.footer) : "");
    setClass(this.node, "simulated", shown.watermark !== null);
    setShown(this.p.hidden, shown.isHidden);
    setText(this.p.hidden, say("tile-hidden"));
    fill(this.p.facts, ...shown.facts.map((f) => el("li", { class: f.isLow ? "low" : null }, say(f.id, f.values))));
    this.showStreams();
  }

  head(shown, nowUs) {
    const p = this.p;
    setText(p.label, shown.label);
    setText(p.pseudonym, who(shown));
    const times = shown.startedUs === null ? "" : [elapsed((nowUs - shown.startedUs) / 1e6),
      say("tile-started", { time: since(shown.startedUs, nowUs) }), shown.template ?? ""].filter(Boolean).join(" · ");
    setText(p.times, times);
    setText(p.devices, shown.devices.join(" · "));
    setShown(p.watermark, shown.watermark !== null);
    if (shown.watermark) setText(p.watermark, say(`watermark-${shown.watermark}`));
    setText(p.age, ageWords(shown, nowUs));
    setShown(p.missed, shown.missed.total > 0);
    setText(p.missed, missedWords(shown));
    setText(p.needs, needWords(shown));
    setShown(p.session, shown.sessionId !== null && this.me.actions.has("see-session"));
    setText(p.session, say("bed-session"));
    const href = `/session/${encodeURIComponent(shown.sessionId ?? "")}`;
    if (p.session.getAttribute("href") !== href) p.session.setAttribute("href", href);
    this.bindingWords(shown, nowUs);
  }

  bindingWords(shown) {
    const { binding } = shown;
    const told = `${shown.isUnconfirmed} ${binding?.sessionId} ${binding?.confirmedUs}`;
    setShown(this.p.binding, binding !== null);
    setClass(this.node, "unconfirmed", shown.isUnconfirmed);
    if (told === this.toldBinding || binding === null) return;
    this.toldBinding = told;
    setClass(this.p.binding, "quietly", !shown.isUnconfirmed);
    if (!shown.isUnconfirmed) {
      const name = (binding.confirmedBy ?? "").replace(/^user:/, "");
      fill(this.p.binding, say("binding-confirmed", { name, time: timeOfDay(binding.confirmedUs) }));
      return;
    }
    const button = this.me.actions.has("confirm-bed") ? el("button", { type: "button", class: "confirm",
      onclick: () => confirmBinding(this.view()) }, say("binding-button")) : null;
    fill(this.p.binding, el("span", {}, say("binding-new")), button);
  }

  showStreams() {
    const streams = this.feed.ward.beds.get(this.bedId)?.state?.streams ?? [];
    fill(this.p.streams, ...streams.map((s) => el("tr", { class: `stream ${s.state}` }, el("th", { scope: "row" }, s.id),
      el("td", {}, say(`stream-${s.state}`)), el("td", {}, Number.isFinite(s.rate_hz) ? `${s.rate_hz.toFixed(1)}\u00a0Hz` : ""),
      el("td", {}, String(s.received ?? "")), el("td", {}, String(s.on_disk ?? "")))));
  }
}
