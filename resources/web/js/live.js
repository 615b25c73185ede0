/** The live path into the page: one WebSocket, opened anew for ever, and the proof that it is alive. */

import * as alive from "./alive.js";

const BEAT_MS = 250;
const RETRY_MS = [500, 1000, 2000, 4000];
/** Close codes of a log-in that ended (policy violation; our own). */
const SIGNED_OUT = new Set([1008, 4401, 4403]);

export const clocks = () => ({ monoMs: performance.now(), wallMs: Date.now() });

/**
 * @param {string} path of the WebSocket.
 * @param {{onMessage: Function, onAlive: Function, onSignedOut: Function, onFailed: Function}} hears
 *   `onAlive(isAlive, isNew)` at every change; `isNew` when a connection begins to speak.
 */
export class Live {
  constructor(path, hears) {
    this.path = path;
    this.hears = hears;
    this.state = alive.begin(clocks());
    this.isAlive = null;
    this.tries = 0;
    this.socket = null;
    this.look = this.look.bind(this);
    this.events = ["visibilitychange", "resume", "freeze"];
  }

  start() {
    this.timer = setInterval(this.look, BEAT_MS);
    for (const name of this.events) document.addEventListener(name, this.look);
    for (const name of ["pageshow", "online", "offline", "focus"]) window.addEventListener(name, this.look);
    this.open();
  }

  stop() {
    clearInterval(this.timer);
    clearTimeout(this.retry);
    for (const name of this.events) document.removeEventListener(name, this.look);
    for (const name of ["pageshow", "online", "offline", "focus"]) window.removeEventListener(name, this.look);
    this.drop();
  }

  /** The service's clock now, µs. */
  nowUs() {
    return alive.serverNowUs(this.state, clocks());
  }

  /** Word last heard at, in µs of the service's clock; null before. */
  lastUs() {
    return this.state.serverUs;
  }

  open() {
    this.drop();
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}${this.path}`);
    this.socket = socket;
    this.openedMs = performance.now();
    this.state = alive.connected(this.state, clocks());
    socket.onmessage = (event) => { if (socket === this.socket) this.take(event.data); };
    socket.onclose = (event) => { if (socket === this.socket) this.closed(event); };
  }

  drop() {
    const socket = this.socket;
    this.socket = null;
    if (socket) socket.close();
  }

  closed(event) {
    this.socket = null;
    if (SIGNED_OUT.has(event.code)) {
      this.hears.onSignedOut(event);
      return;
    }
    if (this.state.heard === null) this.hears.onFailed(); // refused, or nobody there: a request tells which
    const wait = RETRY_MS[Math.min(this.tries, RETRY_MS.length - 1)];
    this.tries += 1;
    this.retry = setTimeout(() => this.open(), wait * (0.7 + 0.6 * Math.random()));
  }

  take(text) {
    let message;
    try {
      message = JSON.parse(text);
    } catch {
      return; // what is no message is no sign of life
    }
    const now = clocks();
    const isFirst = this.state.heard === null;
    this.state = alive.heard(this.state, now, message.server_us ?? message.at_us);
    if (this.state.distrusted) return this.look();
    this.tries = 0;
    this.tell(alive.isAlive(this.state, now) && document.visibilityState !== "hidden", isFirst);
    this.hears.onMessage(message);
    return undefined;
  }

  /** Is it of now? Asked four times a second, and whenever the page comes back. */
  look() {
    const { state, isAlive } = alive.beat(this.state, clocks());
    this.state = state;
    this.tell(isAlive && document.visibilityState !== "hidden", false);
    if (state.distrusted) {
      this.tries = 0;
      clearTimeout(this.retry);
      this.open();
    } else if (this.socket?.readyState === WebSocket.CONNECTING && performance.now() - this.openedMs > 10_000) {
      this.open();
    } else if (this.socket?.readyState === WebSocket.OPEN && !isAlive && performance.now() - this.openedMs > 10_000) {
      this.open(); // it stands but says nothing
    }
  }

  tell(isAlive, isNew) {
    if (isAlive === this.isAlive && !isNew) return;
    this.isAlive = isAlive;
    this.hears.onAlive(isAlive, isNew);
  }
}
