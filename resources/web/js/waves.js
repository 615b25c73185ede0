/** Samples of the live path: decoded, kept for a sweep, with the gaps between them. No DOM. */

/** Base64 of little-endian int16 → Int16Array; empty for what is none. */
export function decode(text) {
  let raw;
  try {
    raw = atob(text);
  } catch {
    return new Int16Array(0);
  }
  const count = raw.length >> 1;
  const out = new Int16Array(count);
  for (let i = 0; i < count; i += 1) {
    const word = raw.charCodeAt(2 * i) | (raw.charCodeAt(2 * i + 1) << 8);
    out[i] = word > 0x7fff ? word - 0x10000 : word;
  }
  return out;
}

/** int16 at its lowest value stands for a sample that is missing. */
export const MISSING = -32768;

/** Blocks are dated by a clock that is read anew for each; what is missing in a block is marked in it. */
const JITTER_S = 0.06;

/**
 * The last samples of one wave. Times are seconds of the bedside's clock; what is not there is a gap, never a line.
 */
export class Trace {
  /** @param {number} keepS how much is kept. */
  constructor(keepS) {
    this.keepS = keepS;
    this.times = [];
    this.values = [];
    this.rateHz = 0;
    this.unit = "";
  }

  /** Take the `waves` entry of a message. Blocks that were had already are left out. */
  add(wave) {
    if (!wave || !(wave.rate_hz > 0) || !Number.isFinite(wave.t0_us)) return;
    this.rateHz = wave.rate_hz;
    this.unit = wave.unit ?? "";
    const scale = Number.isFinite(wave.scale) ? wave.scale : 1;
    const offset = Number.isFinite(wave.offset) ? wave.offset : 0;
    const t0 = wave.t0_us / 1e6;
    if (this.times.length > 0 && t0 < this.lastS() - this.keepS) this.clear(); // the bedside's clock was set back
    const from = this.times.length > 0 ? this.lastS() + 0.25 / this.rateHz : -Infinity;
    const samples = decode(wave.i16);
    for (let i = 0; i < samples.length; i += 1) {
      const t = t0 + i / this.rateHz;
      if (t < from) continue;
      this.times.push(t);
      this.values.push(samples[i] === MISSING ? NaN : samples[i] * scale + offset);
    }
    this.forget();
  }

  clear() {
    this.times = [];
    this.values = [];
  }

  /** Time of the newest sample; NaN without one. */
  lastS() {
    return this.times.length > 0 ? this.times[this.times.length - 1] : NaN;
  }

  /** Index of the first sample at or after `t`. */
  indexAt(t) {
    let low = 0;
    let high = this.times.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.times[middle] < t) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Whether there is a gap between sample `i - 1` and `i`. */
  isGap(i) {
    if (i <= 0) return false;
    const most = Math.max(2.5 / this.rateHz, JITTER_S);
    return this.times[i] - this.times[i - 1] > most || Number.isNaN(this.values[i]);
  }

  /** Lowest and highest value in `[fromS, toS]`, null without any. */
  range(fromS, toS) {
    let low = Infinity;
    let high = -Infinity;
    for (let i = this.indexAt(fromS); i < this.times.length && this.times[i] <= toS; i += 1) {
      const v = this.values[i];
      if (v < low) low = v;
      if (v > high) high = v;
    }
    return low <= high ? [low, high] : null;
  }

  forget() {
    const from = this.indexAt(this.lastS() - this.keepS);
    if (from > 64) {
      this.times = this.times.slice(from);
      this.values = this.values.slice(from);
    }
  }
}

/**
 * Where the sweep stands: it follows the newest sample by a steady delay, so that blocks of a second run smoothly.
 *
 * @param {number|null} headS where it stood, @param {number} newestS newest sample, @param {number} passedS since then.
 */
export function advance(headS, newestS, passedS, delayS = 1.3) {
  if (!Number.isFinite(newestS)) return null;
  const aim = newestS - delayS + 1; // just before the next block of a second comes
  if (headS === null || Math.abs(aim - headS) > 4) return newestS - delayS;
  const rate = aim - headS > 1.5 ? 1.1 : aim - headS < -0.2 ? 0.9 : 1;
  return Math.min(newestS, headS + passedS * rate);
}

/** Limits of a drawing that hold these values: whole steps for mmHg, 8 % room for what has no unit. */
export function limits(range, unit, held) {
  if (range === null) return held;
  const [low, high] = range;
  if (unit === "mmHg") {
    const wanted = [Math.floor((low - 5) / 20) * 20, Math.ceil((high + 5) / 20) * 20];
    if (held && held[0] <= low && held[1] >= high && held[1] - held[0] <= (wanted[1] - wanted[0]) * 1.6) return held;
    return wanted;
  }
  const room = Math.max((high - low) * 0.08, 1e-9);
  const span = high - low + 2 * room;
  const fits = held && held[0] <= low && held[1] >= high && held[1] - held[0] <= span * 1.8;
  return fits ? held : [low - room, high + room];
}
