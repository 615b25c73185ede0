/** What is said to the bedside about a session, and whether it arrived there. */

import { Refused, get, part, post } from "./api.js";
import { el, field, fill, notice, tell } from "./dom.js";
import { moment } from "./format.js";
import { badge } from "./parts.js";
import { say } from "./words.js";

export function feedbackPart(session, me) {
  const list = el("ul", { class: "said" });
  const problem = notice();
  const about = part(session.session_id);

  async function load() {
    try {
      const { feedback } = await get(`/v1/feedback?session_id=${about}`);
      fill(list, ...feedback.map((f) => el("li", {}, el("p", {}, el("b", {}, f.author), " ",
        el("span", { class: "quiet" }, moment(f.created_us)), " ", arrived(f)), el("p", { class: "text" }, f.text),
        f.marker_us ? el("p", { class: "quiet" }, say("feedback-about", { time: moment(f.marker_us) })) : null)));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      tell(problem, error.words, "error");
    }
  }

  load();
  const isPossible = me.actions.has("send-feedback") && session.state !== "erased";
  return el("section", { class: "card" }, el("h2", {}, say("feedback-title")), list,
    isPossible ? form(session, problem, load) : null, problem);
}

/** The moment that was typed, by this screen's clock, in µs; null where none was. */
const momentUs = (typed) => (typed ? new Date(typed).getTime() * 1000 : null);

function arrived(said) {
  if (said.done_us) return badge(say("feedback-done", { time: moment(said.done_us) }), "good");
  return said.delivered_us ? badge(say("feedback-delivered"), "good") : badge(say("feedback-waits"), "warn");
}

function form(session, problem, load) {
  const text = el("textarea", { name: "text", required: true, maxlength: 4000 });
  const at = el("input", { name: "at", type: "datetime-local", step: 1, "aria-describedby": "feedback-at-hint" });
  const send = el("button", { type: "submit", class: "primary" }, say("feedback-send"));
  return el("form", {
    onsubmit: async (event) => {
      event.preventDefault();
      send.disabled = true;
      tell(problem, "");
      try {
        await post("/v1/feedback", { session_id: session.session_id, text: text.value, marker_us: momentUs(at.value) });
        text.value = "";
        at.value = "";
        await load();
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        tell(problem, [409, 410, 422].includes(error.status) ? error.detail : error.words, "error");
      } finally {
        send.disabled = false;
      }
    },
  }, field(say("feedback-text"), text, say("feedback-hint")), field(say("feedback-at"), at, say("feedback-at-hint")), el("p", { class: "row-of" }, send));
}
