/** A legal hold: a session that must not be erased until somebody lifts it. */

import { ask, part } from "./api.js";
import { dialog } from "./dialog.js";
import { el, field } from "./dom.js";
import { typedAgain } from "./erase.js";
import { button, input } from "./parts.js";
import { say } from "./words.js";

/** @returns {HTMLElement|null} the button that sets or lifts it. */
export function holdPart(session, me, again) {
  if (!me.actions.has("erase-session") || session.state === "erased") return null;
  return el("p", { class: "row-of" }, session.held
    ? button(say("hold-lift"), () => lift(session, again)) : button(say("hold-set"), () => hold(session, again)));
}

const address = (session) => `/v1/sessions/${part(session.session_id)}/hold`;

async function hold(session, again) {
  const reason = input("reason", { minlength: 3, maxlength: 400 });
  const subject = typedAgain(() => session.pseudonym, say("erase-differs"));
  const isDone = await dialog({
    title: say("hold-title"), focus: reason, yes: say("hold-set-yes"),
    body: [el("p", {}, say("hold-text")), field(say("reason"), reason, say("erase-reason-hint")),
      field(say("erase-subject"), subject)],
    action: () => ask("PUT", address(session), { reason: reason.value }),
  });
  if (isDone) again();
}

async function lift(session, again) {
  const subject = typedAgain(() => session.pseudonym, say("erase-differs"));
  const isDone = await dialog({
    title: say("hold-lift-title"), focus: subject, yes: say("hold-lift-yes"), kind: "dangerous",
    body: [el("p", {}, say("hold-is", { reason: session.held })), field(say("erase-subject"), subject)],
    action: () => ask("DELETE", address(session)),
  });
  if (isDone) again();
}
