/** Accounts, what they may, and one-time passwords; for administrators. */

import { ask, get, part, post } from "../api.js";
import { dialog } from "../dialog.js";
import { el, field } from "../dom.js";
import { attempt, badge, button, input, listPage, once, select, table } from "../parts.js";
import { say } from "../words.js";

const ROLES = ["operator", "clinician", "researcher", "annotator", "auditor", "admin"];

export function peoplePage({ me }) {
  const isWhole = me.grants.some((g) => g.role === "admin" && !g.ward_id && !g.study_id);
  const page = listPage(say("people-title"), async (again) => {
    const [{ users }, places, { offered }] = await Promise.all(
      [get("/v1/users"), get("/v1/places"), get("/v1/oidc")]);
    const names = namesOf(places);
    return table(say("people-title"),
      [say("people-name"), say("people-state"), say("people-roles"), say("actions")],
      users.map((user) => [
        [el("b", {}, user.display), " ", el("span", { class: "quiet" }, user.name)], state(user),
        el("ul", { class: "chips" }, ...user.grants.map((g) => grant(g, user, names, again))),
        el("div", { class: "row-of" }, ...actions(user, places, { isWhole, offered }, again))]), say("none"));
  }, isWhole ? el("p", { class: "row-of" }, button(say("people-new"), () => newUser(page.again), "primary")) : null);
  return page;
}

const namesOf = (places) => new Map([
  ...places.sites.flatMap((site) => site.wards.map((ward) => [ward.id, ward.name])),
  ...places.studies.map((study) => [study.id, study.name]),
]);

function state(user) {
  if (user.disabled) return badge(say("people-off"), "bad");
  if (user.must_change) return badge(say("people-must-change"), "warn");
  return badge(say("people-on"), "good");
}

function grant(g, user, names, again) {
  const where = [g.ward_id, g.study_id].filter(Boolean).map((id) => names.get(id) ?? id).join(" · ");
  const words = `${roleWord(g.role)} – ${where || say("people-everywhere")}`;
  const take = el("button", { type: "button", class: "small", "aria-label": say("people-take", { role: words, name: user.display }),
    onclick: () => attempt(async () => {
      const isSure = await dialog({ title: say("people-take", { role: words, name: user.display }), body: [],
        yes: say("people-take-yes"), kind: "dangerous", action: () => ask("DELETE", `/v1/grants/${part(g.id)}`) });
      if (!isSure) return;
    }, again) }, "✕");
  return el("li", { class: "chip" }, words, take);
}

const roleWord = (role) => say(`role-${role}`);

function actions(user, places, { isWhole, offered }, again) {
  const give = button(say("people-give"), () => giveRole(user, places, again));
  if (!isWhole) return [give];
  const change = (body) => attempt(() => ask("PATCH", `/v1/users/${part(user.id)}`, body), again);
  return [
    give,
    offered && !user.oidc_linked ? button(say("people-tie"), () => attempt(() => tie(user), again)) : null,
    button(say("people-new-password"), () => attempt(async () => {
      const isSure = await dialog({ title: say("people-new-password-sure", { name: user.display }), body: [],
        yes: say("people-new-password"), action: async () => {} });
      if (!isSure) return;
      const made = await post(`/v1/users/${part(user.id)}/password`);
      await tellPassword(user.display, made.one_time_password, made.expires_us);
    }, again)),
    user.disabled
      ? button(say("people-switch-on"), () => change({ disabled: false }))
      : button(say("people-switch-off"), async () => {
        const isSure = await dialog({ title: say("people-switch-off-sure", { name: user.display }), body: [],
          yes: say("people-switch-off"), kind: "dangerous", action: async () => {} });
        if (isSure) change({ disabled: true });
      }),
  ];
}

/** A link with which this person, and nobody after, ties the account to the hospital's. */
async function tie(user) {
  const made = await post(`/v1/users/${part(user.id)}/link-code`);
  const link = `${location.origin}/v1/oidc/start?link=${encodeURIComponent(made.code)}`;
  await once(say("people-tie-of", { name: user.display }), link, { hint: say("people-tie-hint"), untilUs: made.expires_us });
}

const tellPassword = (name, password, untilUs) =>
  once(say("people-password-of", { name }), password, { hint: say("people-password-hint"), untilUs });

async function newUser(again) {
  const display = input("display");
  const name = input("name", { pattern: "[\\w.@\\-]{2,64}", maxlength: 64, autocapitalize: "none", spellcheck: "false" });
  let made = null;
  const isDone = await dialog({
    title: say("people-new"), focus: display,
    body: [field(say("people-display"), display), field(say("sign-in-name"), name, say("people-name-hint"))],
    yes: say("people-new-yes"),
    action: async () => { made = await post("/v1/users", { display: display.value, name: name.value }); },
  });
  if (!isDone) return;
  await tellPassword(made.display, made.one_time_password, null);
  again();
}

async function giveRole(user, places, again) {
  const wards = places.sites.flatMap((site) => site.wards.map((ward) => [ward.id, `${site.name} · ${ward.name}`]));
  const role = select("role", ROLES.map((r) => [r, roleWord(r)]));
  const ward = select("ward", [["", say("people-all-wards")], ...wards]);
  const study = select("study", [["", say("people-all-studies")], ...places.studies.map((s) => [s.id, s.name])]);
  const isDone = await dialog({
    title: say("people-give-to", { name: user.display }), focus: role,
    body: [field(say("people-role"), role), field(say("people-ward"), ward), field(say("people-study"), study)],
    yes: say("people-give-yes"),
    action: () => post("/v1/grants",
      { name: user.name, role: role.value, ward_id: ward.value || null, study_id: study.value || null }),
  });
  if (isDone) again();
}
