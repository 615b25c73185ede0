/** What a page hears of a ward: the live path, the state behind it, and the greying of the whole page. */

import { Live } from "./live.js";
import { emptyWard, reduce } from "./ward_state.js";

export class WardFeed {
  /** @param {{onBeds: Function, onBed: Function, onTick: Function, onBack?: Function}} hears */
  constructor(wardId, shell, hears) {
    this.ward = emptyWard();
    this.isKnown = false;
    this.isAlive = false;
    this.shell = shell;
    this.hears = hears;
    this.live = new Live(`/v1/live?ward=${encodeURIComponent(wardId)}`, {
      onMessage: (message) => this.take(message),
      onAlive: (isAlive, isNew) => this.lived(isAlive, isNew),
      onSignedOut: () => shell.signedOut(),
      onFailed: () => shell.check(),
    });
  }

  start() {
    this.shell.alive(null, null);
    this.live.start();
    this.timer = setInterval(() => this.hears.onTick(), 1000);
  }

  stop() {
    clearInterval(this.timer);
    this.live.stop();
    this.shell.still();
  }

  nowUs() {
    return this.live.nowUs();
  }

  /** The service's clock when it last spoke. */
  lastUs() {
    return this.live.lastUs();
  }

  lived(isAlive, isNew) {
    this.isAlive = isAlive;
    this.shell.alive(isAlive, this.live.lastUs());
    if (isNew && this.isKnown) this.hears.onBack?.();
  }

  take(message) {
    if (message.server_us !== undefined) this.shell.ticked(message.server_us);
    if (message.type === "tick") this.shell.limit(message.limited === true);
    const { ward, changed, isLayout } = reduce(this.ward, message);
    this.ward = ward;
    const isFirst = message.type === "ward" && !this.isKnown;
    if (message.type === "ward") this.isKnown = true;
    if (isLayout || isFirst) this.hears.onBeds();
    else if (message.type === "ward") this.hears.onTick();
    else if (changed.length > 0) this.hears.onBed(message.bed_id, message);
  }
}
