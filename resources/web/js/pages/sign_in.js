/** Signing in, and one's own password. */

import { Refused, get, post } from "../api.js";
import { el, field, notice, tell } from "../dom.js";
import { say } from "../words.js";

/** Why the hospital's identity provider did not sign somebody in; the service names one in the address. */
const REFUSALS = ["provider", "unknown", "off", "link", "again"];

/** @returns {{node: HTMLElement, focus: Function}} */
export function signInPage({ wasIn, onDone }) {
  const name = el("input", { name: "name", autocomplete: "username", required: true, autocapitalize: "none",
    spellcheck: "false" });
  const password = el("input", { name: "password", type: "password", autocomplete: "current-password", required: true });
  const problem = notice();
  const why = new URLSearchParams(location.search).get("refused");
  if (REFUSALS.includes(why)) {
    tell(problem, say(`sign-in-refused-${why}`), "error");
    history.replaceState(null, "", location.pathname);
  }
  const button = el("button", { type: "submit", class: "primary" }, say("sign-in-button"));
  const elsewhere = el("a", { href: "/v1/oidc/start", class: "button", "data-file": "", hidden: true },
    say("sign-in-provider"));
  get("/v1/oidc").then(({ offered }) => { elsewhere.hidden = !offered; }).catch(() => {});
  const node = form(say("sign-in-title"), [
    wasIn ? el("p", { class: "notice info", role: "status" }, say("sign-in-again")) : null,
    field(say("sign-in-name"), name), field(say("sign-in-password"), password), problem, button,
    elsewhere,
  ], async () => {
    onDone(await post("/v1/login", { name: name.value, password: password.value }));
  }, problem, button, (error) => (error.status === 401 ? error.detail : error.words));
  return { node, focus: () => name.focus() };
}

export function passwordPage({ isFirst, onDone }) {
  const entry = (key, autocomplete) =>
    el("input", { name: key, type: "password", autocomplete, required: true, maxlength: 256 });
  const old = entry("old", "current-password");
  const fresh = entry("new", "new-password");
  const again = entry("again", "new-password");
  const problem = notice();
  const button = el("button", { type: "submit", class: "primary" }, say("password-button"));
  const node = form(say("password-title"), [
    isFirst ? el("p", { class: "notice info" }, say("password-one-time")) : null,
    field(say("password-old"), old), field(say("password-new"), fresh), field(say("password-again"), again), problem,
    button,
  ], async () => {
    if (fresh.value !== again.value) {
      tell(problem, say("password-differ"), "error");
      return;
    }
    onDone(await post("/v1/password", { old: old.value, new: fresh.value }));
    tell(problem, say("password-done"), "info");
  }, problem, button, (error) => ([403, 409, 422].includes(error.status) ? error.detail : error.words));
  return { node };
}

function form(title, parts, action, problem, button, words) {
  const node = el("form", { class: "card narrow", onsubmit: submit }, el("h1", {}, title), ...parts.filter(Boolean));
  async function submit(event) {
    event.preventDefault();
    button.disabled = true;
    tell(problem, "");
    try {
      await action();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      tell(problem, words(error), "error");
    } finally {
      button.disabled = false;
    }
  }
  return node;
}
