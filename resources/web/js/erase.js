/** Erasing a session for ever: who may, asked with a reason and the pseudonym once more, told with what it cannot reach. */

import { part, post } from "./api.js";
import { dialog } from "./dialog.js";
import { el, field } from "./dom.js";
import { button, input } from "./parts.js";
import { say } from "./words.js";

/** @returns {HTMLElement|null} its button. */
export function erasePart(session, me, again) {
  if (!me.actions.has("erase-session") || session.state === "erased") return null;
  return el("p", { class: "row-of" }, button(say("erase-button"), () => erase(session, again), "dangerous"));
}

async function erase(session, again) {
  const reason = input("reason", { minlength: 3, maxlength: 400 });
  const subject = input("subject", { autocomplete: "off" });
  const compare = () => subject.setCustomValidity(subject.value.trim() === session.pseudonym ? "" : say("erase-differs"));
  subject.addEventListener("input", compare);
  compare();
  const isDone = await dialog({
    title: say("erase-title"), focus: reason, yes: say("erase-button"), kind: "dangerous",
    body: [el("p", {}, say("erase-text")), field(say("reason"), reason, say("erase-reason-hint")),
      field(say("erase-subject"), subject)],
    action: () => post(`/v1/sessions/${part(session.session_id)}/erase`, { reason: reason.value }),
  });
  if (isDone) again();
}
