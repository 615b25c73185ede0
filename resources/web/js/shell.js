/** What stands around every page: where one is, who is signed in, whether the page is of now, how things are shown. */

import { el, fill, setClass, setShown, setText } from "./dom.js";
import { timeOfDay, zone } from "./format.js";
import { choose, options } from "./options.js";
import { LANGUAGES, language, say } from "./words.js";

const NAV = [
  ["/", "menu-ward", "see-ward", ["wards", "ward", "bed"]],
  ["/sessions", "menu-sessions", "see-session", ["sessions", "session"]],
  ["/people", "menu-people", "manage", ["people"]],
  ["/devices", "menu-devices", "keep-devices", ["devices"]],
  ["/withdrawals", "menu-withdrawals", "erase-session", ["withdrawals"]],
  ["/audit", "menu-audit", "read-audit", ["audit"]],
];

export class Shell {
  /** @param {{onShow: Function, onSignOut: Function, onCheck: Function, onSignedOut: Function}} does */
  constructor(does) {
    this.does = does;
    this.nav = el("nav", { class: "nav" });
    this.clock = el("span", { class: "clock" });
    this.beat = el("span", { class: "beat", "aria-hidden": "true" });
    this.state = el("span", { class: "alive-state" });
    this.aliveBox = el("div", { class: "alive", hidden: true }, this.beat, this.state, this.clock);
    this.tools = el("div", { class: "tools" });
    this.notices = el("p", { class: "service-notice", role: "status", hidden: true });
    this.limited = el("p", { class: "service-notice limited-banner", role: "status", hidden: true });
    this.lost = el("p", { class: "lost-banner", role: "alert", hidden: true });
    this.main = el("main", { id: "content", tabindex: "-1" });
    this.skip = el("a", { class: "skip", href: "#content" });
    this.small = el("footer", { class: "research" });
    this.header = el("header", { class: "top" }, el("span", { class: "brand" }, "HemoView"), this.nav, this.aliveBox,
      this.tools);
    document.body.replaceChildren(this.skip, this.header, this.notices, this.limited, this.lost, this.main, this.small);
  }

  /** Menus of `me` (null: nobody signed in) on `page`. */
  show(me, page) {
    this.me = me;
    this.page = page;
    document.documentElement.lang = language() === "zh" ? "zh-CN" : "en";
    document.documentElement.dataset.palette = options().palette;
    setText(this.skip, say("skip"));
    setText(this.small, `${say("research-only")} ${say("times-zone", { zone: zone(Date.now() * 1000) })}`);
    const notices = (me?.notices ?? []).map(({ id, values }) => say(`notice-${id}`, values));
    setText(this.notices, notices.join(" "));
    setShown(this.notices, notices.length > 0);
    const links = me ? NAV.filter(([, , action]) => me.actions.has(action)) : [];
    fill(this.nav, ...links.map(([href, id, , pages]) =>
      el("a", { href, "aria-current": pages.includes(page) ? "page" : null }, say(id))));
    fill(this.tools, this.menu(me));
  }

  menu(me) {
    const summary = el("summary", {}, el("span", { class: "menu-name" }, me ? me.display || me.name : say("menu-show")));
    const choice = (label, key, values, now, set) => el("label", { class: "choice" }, el("span", {}, label),
      el("select", { name: key, onchange: (event) => set(event.target.value) },
        ...values.map(([value, words]) => el("option", { value, selected: value === now }, words))));
    const change = (what) => {
      choose(what);
      this.does.onShow();
    };
    const { unit, palette, waves } = options();
    const panel = el("div", { class: "panel" },
      choice(say("show-language"), "language", Object.entries(LANGUAGES).map(([k, w]) => [k, w["language-name"]]),
        language(), (value) => change({ language: value })),
      choice(say("show-unit"), "unit", [["mmHg", "mmHg"], ["kPa", "kPa"]], unit, (value) => change({ unit: value })),
      choice(say("show-palette"), "palette",
        [["safe", say("palette-safe")], ["standard", say("palette-standard")]], palette,
        (value) => change({ palette: value })),
      choice(say("show-waves"), "waves", [["yes", say("yes")], ["no", say("no")]], waves ? "yes" : "no",
        (value) => change({ waves: value === "yes" })),
      me && !me.kiosk ? el("a", { class: "button", href: "/password" }, say("menu-password")) : null,
      // whoever passes a ward's screen must not be able to end it by a touch; an administrator switches it off
      me && !me.kiosk ? el("button", { type: "button", onclick: () => this.does.onSignOut() }, say("menu-sign-out")) : null);
    const menu = el("details", { class: "menu" }, summary, panel);
    menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      menu.open = false;
      summary.focus();
    });
    return menu;
  }

  /** The content of the page. */
  fill(node) {
    fill(this.main, node);
  }

  /** `null`: nothing heard yet; true, false: of now or not. Hidden on pages that show nothing live. */
  alive(isAlive, lastUs) {
    this.isAlive = isAlive;
    setShown(this.aliveBox, true);
    setClass(document.body, "lost", isAlive !== true);
    setShown(this.lost, isAlive !== true);
    setText(this.state, say(isAlive ? "alive-live" : "alive-lost"));
    if (isAlive === true) setText(this.lost, "");
    else if (lastUs === null) setText(this.lost, say("alive-never"));
    else {
      const time = timeOfDay(lastUs, { seconds: true });
      setText(this.lost, `${say("alive-lost")}. ${say("alive-lost-text", { time })}`);
    }
  }

  still() {
    setShown(this.aliveBox, false);
    setShown(this.lost, false);
    setShown(this.limited, false);
    setClass(document.body, "lost", false);
  }

  /** Parts of the service do not reach each other: grey beds may be well. */
  limit(isLimited) {
    setText(this.limited, isLimited ? say("alive-limited") : "");
    setShown(this.limited, isLimited);
  }

  /** The service's clock as the service says it: it stands still when nothing is heard. */
  ticked(serverUs) {
    setText(this.clock, timeOfDay(serverUs, { seconds: true }));
    this.clock.title = say("alive-clock");
    this.beat.classList.toggle("odd");
  }

  signedOut() {
    this.does.onSignedOut();
  }

  check() {
    this.does.onCheck();
  }
}
