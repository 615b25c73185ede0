/** The ward page: every bed in its place, a strip of what needs a human, and the proof that it is of now. */

import { confirmBinding } from "../binding.js";
import { view } from "../bed_view.js";
import { el, fill, setClass, setText } from "../dom.js";
import { TILE_PARAMETERS, since } from "../format.js";
import { strip } from "../needs.js";
import { options } from "../options.js";
import { Tile } from "../tile.js";
import { WardFeed } from "../ward_feed.js";
import { sentence } from "../sentences.js";
import { need, say } from "../words.js";

/** Waves are drawn so often; smooth to the eye, and cheap. */
const DRAW_MS = 66;
/** Tiles brought up to date in one frame: many beds are spread over a few frames instead of holding one up. */
const TILES_A_FRAME = 12;
/** The service speaks every second. A bed is told to be without data as far as it did, no further. */
const SILENCE_US = 1_500_000;
/** With more beds than this a large screen shows smaller tiles. */
const MANY = 12;

/** @returns {{node: HTMLElement, start: Function, stop: Function}} */
export function wardPage({ ward, me, shell }) {
  return new WardPage(ward, me, shell);
}

class WardPage {
  constructor(ward, me, shell) {
    this.ward = ward;
    this.me = me;
    this.shell = shell;
    this.tiles = new Map();
    this.seen = new Map();
    this.dirty = new Set();
    this.needs = el("ul", { class: "needs-list" });
    this.needsCount = el("h2", { class: "needs-title", id: "needs-title" });
    this.grid = el("ul", { class: "grid", "aria-label": say("ward-title", { name: ward.name }) });
    this.footers = el("div", { class: "footers" });
    this.node = el("div", { class: "ward" },
      el("h1", { class: "page-title" }, say("ward-title", { name: ward.name })),
      el("section", { class: "needs-strip", "aria-labelledby": "needs-title" }, this.needsCount, this.needs),
      this.grid, this.footers, el("p", { class: "view-only" }, say("view-only")));
    this.watcher = new IntersectionObserver((entries) => this.scrolled(entries), { rootMargin: "100px" });
    this.frame = this.frame.bind(this);
  }

  start() {
    this.feed = new WardFeed(this.ward.id, this.shell, {
      onBeds: () => this.lay(),
      onBed: (bedId, message) => this.heard(bedId, message),
      onTick: () => this.refresh(),
    });
    this.feed.start();
    this.drawnMs = performance.now();
    this.running = requestAnimationFrame(this.frame);
    this.lay();
  }

  stop() {
    this.feed?.stop();
    cancelAnimationFrame(this.running);
    this.watcher.disconnect();
  }

  /** Tiles in the fixed order of places; they never move by what they show. */
  lay() {
    const { beds, order } = this.feed.ward;
    for (const [bedId, tile] of this.tiles) {
      if (beds.has(bedId)) continue;
      this.watcher.unobserve(tile.node);
      this.tiles.delete(bedId);
    }
    for (const bedId of order) if (!this.tiles.has(bedId)) this.tiles.set(bedId, this.tile(bedId));
    setClass(this.grid, "many", order.length > MANY);
    if (order.length > 0) fill(this.grid, ...order.map((bedId) => this.tiles.get(bedId).node));
    else if (this.feed.isKnown) fill(this.grid, el("li", { class: "nothing" }, say("ward-empty")));
    this.refresh();
  }

  tile(bedId) {
    const mayConfirm = this.me.actions.has("confirm-bed");
    const tile = new Tile(bedId, {
      parameters: TILE_PARAMETERS,
      href: `/ward/${encodeURIComponent(this.ward.id)}/bed/${encodeURIComponent(bedId)}`,
      onConfirm: mayConfirm ? () => confirmBinding(this.viewOf(bedId)) : null,
    });
    this.watcher.observe(tile.node);
    return tile;
  }

  scrolled(entries) {
    for (const entry of entries) {
      const tile = this.tiles.get(entry.target.dataset.bed);
      if (!tile) continue;
      tile.isSeen = entry.isIntersecting;
      if (tile.isSeen) this.dirty.add(tile.bedId);
    }
  }

  viewOf(bedId) {
    const bed = this.feed.ward.beds.get(bedId);
    return view(bed, this.feed.nowUs(), { pressure: options().unit, parameters: TILE_PARAMETERS });
  }

  heard(bedId, message) {
    const tile = this.tiles.get(bedId);
    tile?.waves(message.msg.session_id || null, message.msg.waves);
    if (tile?.isSeen) this.dirty.add(bedId); // the others once a second
  }

  /** Once a frame: tiles of which something was heard, then the waves. */
  frame(nowMs) {
    this.running = requestAnimationFrame(this.frame);
    this.updateSome();
    const passedMs = nowMs - this.drawnMs;
    if (passedMs < DRAW_MS) return;
    this.drawnMs = nowMs;
    if (!options().waves || !this.feed.isAlive) return;
    for (const tile of this.tiles.values()) tile.step(passedMs / 1000);
  }

  updateSome() {
    const nowUs = this.feed.nowUs();
    let left = TILES_A_FRAME;
    for (const bedId of this.dirty) {
      this.dirty.delete(bedId);
      this.tiles.get(bedId)?.update(this.viewOf(bedId), nowUs);
      left -= 1;
      if (left === 0) return;
    }
  }

  /** Once a second: ages, strip, footers. */
  refresh() {
    const nowUs = this.feed.nowUs();
    if (nowUs === null) return;
    setClass(this.node, "without-waves", !options().waves);
    for (const bedId of this.feed.ward.order) this.dirty.add(bedId);
    if (!this.feed.isAlive) return; // what is lost is this page's connection, not every bed's data
    const knownUs = Math.min(nowUs, this.feed.lastUs() + SILENCE_US);
    this.showNeeds(strip(this.feed.ward, knownUs, this.seen), nowUs);
    this.showFooters();
  }

  showNeeds(entries, nowUs) {
    setText(this.needsCount, entries.length > 0 ? `${say("needs-title")}: ${entries.length}` : say("needs-none"));
    setClass(this.node, "all-well", entries.length === 0);
    const worded = entries.map((e) => ({ ...e, reason: need(e.id, e.values) }));
    const told = worded.map((e) => `${e.key} ${e.sinceUs} ${e.label} ${e.reason} ${e.isSimulated}`).join("\n");
    if (told === this.told) return;
    this.told = told;
    const reasons = [...new Set(worded.map((e) => e.reason))];
    fill(this.needs, ...reasons.map((r) => this.reason(r, worded.filter((e) => e.reason === r), nowUs)));
  }

  /** A reason with every bed that has it, each with since when. */
  reason(words, entries, nowUs) {
    return el("li", { class: "need", "data-kind": entries[0].id }, el("span", { class: "reason" }, words),
      el("ul", { class: "need-beds" }, ...entries.map((entry) => el("li", {},
        el("a", { href: `#${entry.bedId}`, onclick: (event) => this.show(event, entry.bedId) },
          el("b", {}, say("needs-bed", { label: entry.label })), " ",
          entry.isSimulated ? el("span", { class: "badge sim" }, say("tag-sim")) : null,
          el("span", { class: "from" }, say("needs-since", { time: since(entry.sinceUs, nowUs) })))))));
  }

  show(event, bedId) {
    event.preventDefault();
    const tile = this.tiles.get(bedId);
    tile?.node.scrollIntoView({ block: "center" });
    tile?.parts.open.focus();
  }

  /** What the numbers may claim: each sentence once, with the beds it stands for. */
  showFooters() {
    const beds = new Map();
    for (const bedId of this.feed.ward.order) {
      const bed = this.viewOf(bedId);
      if (bed.footer && bed.mode === "recording") beds.set(bed.footer, [...(beds.get(bed.footer) ?? []), bed.label]);
    }
    const lines = [...beds].map(([footer, labels]) => say("footer-beds", { beds: labels, footer: sentence(footer) }));
    if (lines.join("\n") === this.claimed) return;
    this.claimed = lines.join("\n");
    fill(this.footers, ...lines.map((line) => el("p", { class: "claim" }, line)));
  }
}
