/** A question over the page: keyboard stays inside, Escape leaves. */

import { el, notice, tell } from "./dom.js";
import { Refused } from "./api.js";
import { say } from "./words.js";

/**
 * @param {{title: string, body: Node[], yes: string, action: () => Promise<void>, kind?: string, focus?: Node, isTold?: boolean}} how
 *   `isTold`: nothing is asked, so there is no way but onward. `action` is run by the button; its refusal is shown and the question stays.
 * @returns {Promise<boolean>} whether it was done.
 */
export function dialog({ title, body, yes, action, kind = "", focus = null, isTold = false }) {
  return new Promise((resolve) => {
    let isDone = false;
    const problem = notice();
    const accept = el("button", { type: "submit", class: `primary ${kind}` }, yes);
    const cancel = el("button", { type: "button", onclick: () => box.close() }, say("cancel"));
    const form = el("form", { method: "dialog", onsubmit: (event) => submit(event) },
      el("h2", { id: "dialog-title" }, title), ...body.filter(Boolean), problem,
      el("div", { class: "buttons" }, isTold ? null : cancel, accept));
    const box = el("dialog", { "aria-labelledby": "dialog-title" }, form);

    async function submit(event) {
      event.preventDefault();
      accept.disabled = true;
      tell(problem, "");
      try {
        await action();
        isDone = true;
        box.close();
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        tell(problem, error.words);
      } finally {
        accept.disabled = false;
      }
    }

    box.addEventListener("close", () => {
      box.remove();
      resolve(isDone);
    });
    document.body.append(box);
    box.showModal();
    (focus ?? (isTold ? accept : cancel)).focus();
  });
}
