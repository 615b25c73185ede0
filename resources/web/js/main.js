/** Starts the page: who is signed in, which page the address names, and moving between them. */

import { Refused, get, post, useCsrf, whenSignedOut } from "./api.js";
import { el, notice, tell } from "./dom.js";
import { languageWanted } from "./options.js";
import { PAGES } from "./pages/all.js";
import { passwordPage, signInPage } from "./pages/sign_in.js";
import { route } from "./router.js";
import { Shell } from "./shell.js";
import { say, useLanguage } from "./words.js";

let me = null;
let page = null;
let turn = 0;

const shell = new Shell({
  onShow: show,
  onSignOut: signOut,
  onCheck: () => get("/v1/me").catch(() => {}),
  onSignedOut: () => signIn(true),
});

whenSignedOut((refused) => {
  if (refused.body.must_change) show();
  else if (me !== null) signIn(true);
});

/** Whoever signed in, as the pages use it. */
function known(told) {
  useCsrf(told.csrf);
  return { ...told, actions: new Set(told.actions ?? []) };
}

async function begin() {
  useLanguage(languageWanted());
  shell.show(null, "");
  shell.fill(el("p", { class: "quiet" }, say("loading")));
  try {
    me = known(await get("/v1/me"));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (error.status === 401) return signIn(false);
    return failed(error, begin);
  }
  return show();
}

/** Draw what the address names; of two that overlap the later wins. */
async function show() {
  turn += 1;
  const mine = turn;
  leave();
  useLanguage(languageWanted());
  if (me === null) return signIn(false);
  if (me.must_change) {
    shell.show({ ...me, actions: new Set() }, "password");
    return place(passwordPage({ isFirst: true, onDone: entered }));
  }
  const { page: name, args } = route(location.pathname);
  shell.show(me, name);
  document.title = `HemoView – ${say("research-only")}`;
  try {
    const made = await PAGES[name]({ args, me, shell, onDone: entered });
    if (mine !== turn) made.stop?.();
    else if (made.elsewhere) go(made.elsewhere, { replace: true });
    else place(made);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (mine === turn && error.status !== 401) failed(error, show);
  }
  return undefined;
}

function place(made) {
  page = made;
  if (made.start) made.start();
  else shell.still();
  shell.fill(made.node);
}

function leave() {
  page?.stop?.();
  page = null;
}

function failed(error, again) {
  leave();
  shell.still();
  const words = notice();
  tell(words, error.words);
  shell.fill(el("div", { class: "card" }, words, el("button", { type: "button", onclick: again }, say("reload"))));
}

function signIn(wasIn) {
  turn += 1;
  leave();
  me = null;
  useCsrf("");
  shell.show(null, "sign-in");
  shell.still();
  const made = signInPage({ wasIn, onDone: entered });
  shell.fill(made.node);
  made.focus();
}

function entered(told) {
  me = known(told);
  show();
}

async function signOut() {
  leave();
  try {
    await post("/v1/logout");
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
  }
  signIn(false);
}

function go(path, { replace = false } = {}) {
  if (replace) history.replaceState(null, "", path);
  else history.pushState(null, "", path);
  window.scrollTo(0, 0);
  show();
  shell.main.focus();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href^='/']");
  const isPlain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey;
  if (!link || !isPlain || link.hasAttribute("download") || link.target || link.dataset.file !== undefined) return;
  if (event.defaultPrevented) return;
  event.preventDefault();
  go(link.getAttribute("href"));
});
window.addEventListener("popstate", show);
begin();
