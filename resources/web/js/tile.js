/** The tile of a bed on the ward page: made once, then only what differs is touched. */

import { el, setClass, setShown, setText } from "./dom.js";
import { age, elapsed, since, timeOfDay } from "./format.js";
import { numericsDom } from "./row_dom.js";
import { Sweep } from "./sweep.js";
import { need, say } from "./words.js";

const TILE_MM_PER_S = 12.5;
/** Needs that tile and bed page say in a place of their own. */
const SAID_ABOVE = new Set(["confirm-binding"]);

/** @param {{parameters: string[], href: string, onConfirm: Function|null}} how */
export class Tile {
  constructor(bedId, how) {
    this.bedId = bedId;
    this.sessionId = null;
    this.isSeen = true;
    this.parts = parts(how);
    this.node = this.parts.node;
    this.node.dataset.bed = bedId;
    this.sweeps = {
      ppg: new Sweep(this.parts.ppg, { mmPerS: TILE_MM_PER_S, role: "ppg" }),
      cnap: new Sweep(this.parts.cnap, { mmPerS: TILE_MM_PER_S, role: "reference" }),
    };
  }

  /** Waves of a message. */
  waves(sessionId, told) {
    if (sessionId !== this.sessionId) this.clearWaves(sessionId);
    for (const [name, sweep] of Object.entries(this.sweeps)) sweep.add(told?.[name]);
  }

  clearWaves(sessionId) {
    this.sessionId = sessionId;
    for (const sweep of Object.values(this.sweeps)) sweep.clear();
  }

  step(passedS) {
    if (!this.isSeen) return;
    for (const sweep of Object.values(this.sweeps)) sweep.step(passedS);
  }

  update(view, nowUs) {
    if (view.sessionId !== this.sessionId) this.clearWaves(view.sessionId);
    const p = this.parts;
    const isRunning = view.mode === "recording";
    setText(p.label, view.label);
    setText(p.pseudonym, who(view));
    const name = say("tile-label", { label: view.label, pseudonym: who(view) });
    if (p.open.getAttribute("aria-label") !== name) p.open.setAttribute("aria-label", name);
    setText(p.started, view.startedUs === null ? "" : say("tile-started", { time: since(view.startedUs, nowUs) }));
    setText(p.running, view.startedUs === null || !isRunning ? "" : elapsed((nowUs - view.startedUs) / 1e6));
    setText(p.devices, view.devices.join(" · "));
    setShown(p.watermark, view.watermark !== null);
    if (view.watermark) setText(p.watermark, say(`watermark-${view.watermark}`));
    setShown(p.body, isRunning);
    setShown(p.waves, view.hasValues);
    setShown(p.numerics.node, view.hasValues);
    setShown(p.hidden, isRunning && view.isHidden);
    setText(p.hidden, say("tile-hidden"));
    setShown(p.binding, view.isUnconfirmed);
    setText(p.bindingText, say("binding-new"));
    if (p.confirm) setText(p.confirm, say("binding-button"));
    setClass(this.node, "simulated", view.watermark !== null);
    setClass(this.node, "stale", view.isStale);
    setClass(this.node, "unconfirmed", view.isUnconfirmed);
    setClass(this.node, "needs", view.needs.length > 0);
    setClass(this.node, "quietly", !isRunning);
    setClass(this.node, "hides", !view.showsEstimates);
    setText(p.age, ageWords(view, nowUs));
    setText(p.missed, missedWords(view));
    setShown(p.missed, view.missed.total > 0);
    setText(p.needs, needWords(view));
    setText(p.facts, view.facts.map((f) => say(f.id, f.values)).join(" · "));
    if (p.facts.title !== p.facts.textContent) p.facts.title = p.facts.textContent;
    if (isRunning) p.numerics.update(view);
  }
}

/** Who is at a bed, or that nobody is. */
export function who(view) {
  if (view.pseudonym !== null) return view.pseudonym;
  return say({ empty: "tile-empty", waiting: "tile-waiting", ended: "tile-ended" }[view.mode] ?? "tile-nobody");
}

/** Age of the newest datum. */
export function ageWords(view, nowUs) {
  if (view.ageS === null) return "";
  if (view.mode === "ended") return `${say("tile-ended")} · ${since(view.lastUs, nowUs)}`;
  if (view.isStale && view.ageS > 60) return say("tile-dropped", { time: since(view.lastUs, nowUs) });
  return say(view.isStale ? "tile-old" : "tile-age", { age: age(view.ageS) });
}

/** What else a bed needs. */
export const needWords = (view) =>
  view.needs.filter((n) => !SAID_ABOVE.has(n.id)).map((n) => need(n.id, n.values)).join(" · ");

/** Messages that did not come. */
export function missedWords(view) {
  if (view.missed.last > 0) return say("tile-missed", { n: view.missed.last, time: timeOfDay(view.missed.atUs) });
  return say("tile-missed-total", { n: view.missed.total });
}

function parts({ parameters, href, onConfirm }) {
  const label = el("span", { class: "bed-label" });
  const pseudonym = el("span", { class: "pseudonym" });
  const started = el("span", { class: "started" });
  const running = el("span", { class: "running" });
  const open = el("a", { class: "tile-head", href }, label, pseudonym, el("span", { class: "times" }, running, started));
  const devices = el("p", { class: "devices" });
  const watermark = el("p", { class: "watermark" });
  const bindingText = el("span", {});
  const confirm = onConfirm ? el("button", { type: "button", class: "confirm", onclick: onConfirm }) : null;
  const binding = el("p", { class: "binding" }, bindingText, confirm);
  const ppg = el("canvas", { class: "wave", "aria-hidden": "true" });
  const cnap = el("canvas", { class: "wave", "aria-hidden": "true" });
  const numerics = numericsDom(parameters);
  const hidden = el("p", { class: "hidden-note" });
  const waves = el("div", { class: "waves" }, ppg, cnap);
  const body = el("div", { class: "tile-body" }, waves, numerics.node, hidden);
  const age = el("span", { class: "age" });
  const missed = el("span", { class: "missed" });
  const needs = el("p", { class: "tile-needs" });
  const facts = el("p", { class: "facts" });
  const foot = el("div", { class: "tile-foot" }, el("p", { class: "ages" }, age, missed), needs, facts);
  const node = el("li", { class: "tile" }, open, devices, watermark, binding, body, foot);
  return {
    node, open, label, pseudonym, started, running, devices, watermark, binding, bindingText, confirm, waves, ppg, cnap,
    numerics, hidden, body, age, missed, needs, facts,
  };
}
