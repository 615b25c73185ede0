/** A new session at a bed is confirmed by somebody who stands there (safety rule 5). */

import { part, post } from "./api.js";
import { dialog } from "./dialog.js";
import { el } from "./dom.js";
import { moment } from "./format.js";
import { who } from "./tile.js";
import { say } from "./words.js";

/** Ask, with everything large that tells one person from another; then tell the service. */
export function confirmBinding(view) {
  return dialog({
    title: say("binding-title", { label: view.label }),
    body: [
      view.watermark ? el("p", { class: "watermark" }, say(`watermark-${view.watermark}`)) : null,
      el("p", { class: "huge" }, who(view)),
      el("p", { class: "large" }, view.startedUs === null ? "" : say("tile-started", { time: moment(view.startedUs) })),
      el("p", { class: "large" }, view.devices.join(" · ")),
      el("p", {}, say("binding-text")),
    ],
    yes: say("binding-yes", { label: view.label }),
    action: () => post(`/v1/beds/${part(view.bedId)}/confirm`, { session_id: view.sessionId }),
  });
}
