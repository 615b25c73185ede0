/** A wave drawn as on a monitor: from left to right, over what was there, with an erase bar ahead. */

import { Trace, advance, limits } from "./waves.js";

/** CSS pixels are 96 to the inch wherever a screen does not tell more. */
const PX_PER_MM = 96 / 25.4;
const ERASE_SHARE = 0.05;

export class Sweep {
  /** @param {HTMLCanvasElement} canvas, @param {{mmPerS: number, role: string, scale: boolean}} look */
  constructor(canvas, { mmPerS, role, scale = false }) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.mmPerS = mmPerS;
    this.role = role;
    this.hasScale = scale;
    this.trace = new Trace(30);
    this.headS = null;
    this.limits = null;
    this.width = 0;
    this.isDirty = true;
  }

  add(wave) {
    this.trace.add(wave);
  }

  /** Another session: nothing of the one before stays. */
  clear() {
    this.trace.clear();
    this.headS = null;
    this.limits = null;
    if (this.width) this.context.clearRect(0, 0, this.width, this.height);
  }

  /** Draw what `passedS` more brings. */
  step(passedS) {
    if (!this.fit()) return;
    const before = this.headS;
    this.headS = advance(before, this.trace.lastS(), passedS);
    if (this.headS === null) return;
    const isJump = before === null || this.headS < before || this.headS - before > this.spanS() / 2;
    if (this.rescale() || isJump || this.isDirty) this.redraw();
    else if (this.headS > before) this.draw(before, this.headS);
  }

  spanS() {
    return (this.width - this.left()) / (this.mmPerS * PX_PER_MM);
  }

  left() {
    return this.hasScale ? 34 : 0;
  }

  /** The canvas as large as its place, in the screen's own pixels. */
  fit() {
    const width = this.canvas.clientWidth;
    const height = this.canvas.clientHeight;
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    if (width === 0 || height === 0) return false;
    if (width !== this.width || height !== this.height || ratio !== this.ratio) {
      [this.width, this.height, this.ratio] = [width, height, ratio];
      this.canvas.width = Math.round(width * ratio);
      this.canvas.height = Math.round(height * ratio);
      this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
      this.isDirty = true;
    }
    return true;
  }

  rescale() {
    const seen = this.trace.range(this.headS - this.spanS(), this.headS);
    const next = limits(seen, this.trace.unit, this.limits);
    const isNew = next !== null && (this.limits === null || next[0] !== this.limits[0] || next[1] !== this.limits[1]);
    this.limits = next;
    return isNew;
  }

  redraw() {
    this.isDirty = false;
    const styles = getComputedStyle(this.canvas);
    this.ink = styles.getPropertyValue(`--${this.role}`).trim() || "#e8edf2";
    this.quiet = styles.getPropertyValue("--quiet").trim() || "#8d9aaa";
    this.grid = styles.getPropertyValue("--grid").trim() || "#18212b";
    this.context.clearRect(0, 0, this.width, this.height);
    if (this.hasScale) this.drawScale();
    const span = this.spanS() * (1 - ERASE_SHARE);
    this.draw(this.headS - span, this.headS);
  }

  x(t) {
    const span = this.spanS();
    return this.left() + ((((t % span) + span) % span) / span) * (this.width - this.left());
  }

  y(value) {
    const [low, high] = this.limits;
    return 3 + (1 - (value - low) / (high - low)) * (this.height - 6);
  }

  draw(fromS, toS) {
    if (this.limits === null) return;
    this.erase(fromS, toS);
    const { context, trace } = this;
    context.strokeStyle = this.ink;
    context.lineWidth = 1.4;
    context.lineJoin = "round";
    context.beginPath();
    let isDown = false;
    let lastX = 0;
    const gaps = [];
    for (let i = Math.max(0, trace.indexAt(fromS) - 1); i < trace.times.length && trace.times[i] <= toS; i += 1) {
      const x = this.x(trace.times[i]);
      const isGap = trace.isGap(i);
      if (isGap) gaps.push([trace.times[i - 1], trace.times[i]]);
      if (Number.isNaN(trace.values[i])) {
        isDown = false;
        continue;
      }
      const y = this.y(trace.values[i]);
      if (!isDown || isGap || x < lastX) context.moveTo(x, y);
      else context.lineTo(x, y);
      isDown = true;
      lastX = x;
    }
    context.stroke();
    for (const [from, to] of gaps) this.hatch(from, to);
  }

  /** Blank from `fromS` to the end of the erase bar ahead of `toS`, with the grid drawn anew. */
  erase(fromS, toS) {
    const ahead = this.spanS() * ERASE_SHARE;
    this.stripes(fromS, toS + ahead, (x, width) => {
      this.context.clearRect(x, 0, width, this.height);
      if (!this.hasScale) return;
      this.context.fillStyle = this.grid;
      for (const value of this.ticks()) this.context.fillRect(x, Math.round(this.y(value)), width, 1);
    });
  }

  /** A gap is hatched, never bridged. */
  hatch(fromS, toS) {
    const { context } = this;
    this.stripes(fromS, toS, (x, width) => {
      context.save();
      context.beginPath();
      context.rect(x, 0, width, this.height);
      context.clip();
      context.strokeStyle = this.quiet;
      context.lineWidth = 0.7;
      context.beginPath();
      for (let at = Math.floor(x / 6) * 6 - this.height; at < x + width; at += 6) {
        context.moveTo(at, this.height);
        context.lineTo(at + this.height, 0);
      }
      context.stroke();
      context.restore();
    });
  }

  /** A stretch of time as one or two stretches of the drawing. */
  stripes(fromS, toS, paint) {
    const from = this.x(fromS);
    const width = Math.min(toS - fromS, this.spanS()) * this.mmPerS * PX_PER_MM;
    const first = Math.min(width, this.width - from);
    paint(from, first);
    if (width > first) paint(this.left(), width - first);
  }

  ticks() {
    if (this.limits === null) return [];
    const [low, high] = this.limits;
    if (this.trace.unit !== "mmHg") return [];
    const step = high - low > 120 ? 40 : 20;
    const out = [];
    for (let v = Math.ceil(low / step) * step; v <= high; v += step) out.push(v);
    return out;
  }

  drawScale() {
    const { context } = this;
    context.font = "11px sans-serif";
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const value of this.ticks()) {
      context.fillStyle = this.quiet;
      context.fillText(String(value), this.left() - 5, Math.min(this.height - 7, Math.max(7, this.y(value))));
      context.fillStyle = this.grid;
      context.fillRect(this.left(), Math.round(this.y(value)), this.width, 1);
    }
  }
}
