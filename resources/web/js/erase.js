/** Erasing a session for ever: who may, asked with a reason and the pseudonym once more, told with what it cannot reach. */

import { part, post } from "./api.js";
import { dialog } from "./dialog.js";
import { el, field } from "./dom.js";
import { moment } from "./format.js";
import { button, input } from "./parts.js";
import { sentence } from "./sentences.js";
import { hasWord, say } from "./words.js";

/** @returns {HTMLElement|null} its button. */
export function erasePart(session, me, again) {
  if (!me.actions.has("erase-session") || session.state === "erased" || session.held) return null;
  return el("p", { class: "row-of" }, button(say("erase-button"), () => erase(session, again), "dangerous"));
}

async function erase(session, again) {
  const reason = input("reason", { minlength: 3, maxlength: 400 });
  const subject = typedAgain(() => session.pseudonym, say("erase-differs"));
  let unreachable = [];
  const isDone = await dialog({
    title: say("erase-title"), focus: reason, yes: say("erase-button"), kind: "dangerous",
    body: [el("p", {}, say("erase-text")), field(say("reason"), reason, say("erase-reason-hint")),
      field(say("erase-subject"), subject)],
    action: async () => {
      ({ unreachable } = await post(`/v1/sessions/${part(session.session_id)}/erase`, { reason: reason.value }));
    },
  });
  if (!isDone) return;
  await dialog({ title: say("erase-done"), body: [outOfReach(unreachable)], yes: say("close"), action: async () => {}, isTold: true });
  again();
}

/** A field that has to say what is known already: whoever types it has read it. */
export function typedAgain(wanted, differs) {
  const field = input("subject", { maxlength: 64 });
  field.check = () => field.setCustomValidity(field.value.trim() === wanted() ? "" : differs);
  field.addEventListener("input", field.check);
  field.check();
  return field;
}

const leftWords = (what) => {
  const id = `left-${what.replace(".", "-")}`;
  return hasWord(id) ? say(id) : sentence(what);
};

/** What an erasure could not reach, and whom to ask. */
export function outOfReach(unreachable) {
  if (unreachable.length === 0) return el("p", {}, say("erase-all-reached"));
  return el("div", {}, el("p", {}, say("erase-unreachable")), el("ul", { class: "plain" }, ...unreachable.map((one) =>
    el("li", {}, `${leftWords(one.what)} · ${one.who.replace(/^user:/, "")} · ${moment(one.at_us)}`))));
}
