/** Wards, beds and the bedsides that stand there: codes to enrol them, moving, revoking. */

import { ask, get, part, post } from "../api.js";
import { dialog } from "../dialog.js";
import { el, field } from "../dom.js";
import { age, moment, since } from "../format.js";
import { attempt, badge, button, input, listPage, once, select } from "../parts.js";
import { say } from "../words.js";

export function devicesPage({ me }) {
  const isWhole = me.grants.some((g) => g.role === "admin" && !g.ward_id && !g.study_id);
  const page = listPage(say("devices-title"), async (again) => {
    const [places, told] = await Promise.all([get("/v1/places"), get("/v1/devices")]);
    const devices = told.devices.map((device) => ({ ...device, nowUs: told.server_us, ours: told.protocol })); // not this screen's clock
    const byBed = new Map();
    for (const device of devices) byBed.set(device.bed_id, [...(byBed.get(device.bed_id) ?? []), device]);
    const beds = places.sites.flatMap((s) => s.wards.flatMap((w) => w.beds.map((b) => [b.id, `${w.name} · ${b.label}`])));
    if (places.sites.length === 0) return el("p", { class: "card" }, say("places-none"));
    return places.sites.map((site) => el("section", { class: "card" },
      el("h2", {}, site.name),
      ...site.wards.map((ward) => wardPart(ward, byBed, beds, { me, isWhole }, again)),
      isWhole ? el("p", { class: "row-of" }, button(say("places-new-ward"), () => named(say("places-new-ward"),
        (name) => post("/v1/wards", { site_id: site.id, name }), again))) : null));
  }, isWhole ? el("p", { class: "row-of" },
    button(say("places-new-site"), () => named(say("places-new-site"), (name) => post("/v1/sites", { name }), page.again)),
    button(say("places-new-study"), () => named(say("places-new-study"), (name) => post("/v1/studies", { name }), page.again)),
  ) : null);
  return page;
}

function wardPart(ward, byBed, beds, { me, isWhole }, again) {
  const next = ward.beds.reduce((most, b) => Math.max(most, b.place), 0) + 1;
  return el("section", { class: "ward-part" },
    el("div", { class: "row-of" }, el("h3", {}, say("ward-title", { name: ward.name })),
      isWhole ? button(say("places-new-bed"), () => newBed(ward, next, again)) : null,
      me.actions.has("manage") ? button(say("kiosk-button"), () => kiosk(ward)) : null),
    el("ul", { class: "bed-rows" }, ...ward.beds.map((bed) => el("li", { class: "bed-row" },
      el("span", { class: "bed-label" }, bed.label),
      el("div", { class: "devices-of" }, ...(byBed.get(bed.id) ?? []).map((d) => deviceRow(d, beds, again)),
        isFree(byBed.get(bed.id))
          ? el("div", { class: "device-row" }, el("span", { class: "quiet" }, say("devices-none")),
            button(say("devices-code"), () => code(bed.label, `/v1/beds/${part(bed.id)}/enrolment`, again), "primary"))
          : null)))));
}

const isFree = (devices = []) => devices.every((d) => d.revoked_us !== null);

function deviceRow(device, beds, again) {
  const path = `/v1/devices/${part(device.id)}`;
  const isRevoked = device.revoked_us !== null;
  return el("div", { class: "device-row" },
    el("div", {}, el("b", {}, device.name), " ", el("span", { class: "quiet" }, device.station), " ",
      ...(isRevoked ? [badge(say("devices-revoked", { time: moment(device.revoked_us) }), "bad")] : badges(device)),
      isRevoked ? null : otherwise(device),
      el("p", { class: "quiet" }, details(device))),
    el("div", { class: "row-of" },
      button(say("devices-new-key"), () => code(device.name, `${path}/enrolment`, again)),
      isRevoked ? null : button(say("devices-move"), () => move(device, beds, again)),
      isRevoked ? null : button(say("devices-revoke"), () => revoke(device, again), "dangerous")));
}

/** When it was heard last; of a build that is not understood, that is no good sign, and "never" is not true. */
function badges(device) {
  const other = device.speaks_otherwise ? [badge(say("devices-other-version"), "bad"), " "] : [];
  if (device.last_seen_us === null) return device.speaks_otherwise ? other : [badge(say("devices-never"), "warn")];
  const agoS = (device.nowUs - device.last_seen_us) / 1e6;
  return [...other, badge(say("devices-seen", { age: age(agoS) }), agoS < 300 && !device.speaks_otherwise ? "good" : "warn")];
}

/** Of a build that this service does not understand: nothing of it is taken until both are of the same version. */
function otherwise({ speaks_otherwise: isOther, protocol, ours }) {
  return isOther ? el("p", {}, say("devices-other-version-why", { theirs: protocol, ours })) : null;
}

function details(device) {
  const { queue } = device;
  const waits = queue ? say("queue-waiting", { waiting: queue.waiting, total: queue.total }) : null;
  const last = queue?.last_success_us ? say("queue-last", { time: since(queue.last_success_us, device.nowUs) }) : null;
  const skew = Number.isFinite(device.skew_ms) && Math.abs(device.skew_ms) > 1000
    ? say("devices-skew", { seconds: (device.skew_ms / 1000).toFixed(1) }) : null;
  return [device.software, say("devices-enrolled", { time: moment(device.enrolled_us) }), waits, last, skew]
    .filter(Boolean).join(" · ");
}

const code = (name, path, again) => attempt(async () => {
  const made = await post(path);
  await once(say("devices-code-for", { name }), made.code, { hint: say("devices-code-hint"), untilUs: made.expires_us });
}, again);

async function revoke(device, again) {
  const isDone = await dialog({
    title: say("devices-revoke-sure", { name: device.name, bed: device.bed ?? "" }),
    body: [el("p", {}, say("devices-revoke-text"))], yes: say("devices-revoke"), kind: "dangerous",
    action: () => post(`/v1/devices/${part(device.id)}/revoke`),
  });
  if (isDone) again();
}

async function move(device, beds, again) {
  const name = input("name", { value: device.name });
  const bed = select("bed", beds, device.bed_id);
  const isDone = await dialog({
    title: say("devices-move-title", { name: device.name }), focus: bed,
    body: [field(say("people-display"), name), field(say("devices-bed"), bed, say("devices-move-hint"))],
    yes: say("devices-move-yes"),
    action: () => ask("PATCH", `/v1/devices/${part(device.id)}`, { name: name.value, bed_id: bed.value }),
  });
  if (isDone) again();
}

async function named(title, action, again) {
  const name = input("name");
  const isDone = await dialog({ title, focus: name, body: [field(say("places-name"), name)], yes: title,
    action: () => action(name.value) });
  if (isDone) again();
}

async function newBed(ward, next, again) {
  const label = input("label", { value: String(next) });
  const place = input("place", { type: "number", min: 1, max: 10000, value: next });
  const isDone = await dialog({
    title: `${say("places-new-bed")} – ${ward.name}`, focus: label,
    body: [field(say("places-label"), label), field(say("places-place"), place, say("places-place-hint"))],
    yes: say("places-new-bed"),
    action: () => post("/v1/beds", { ward_id: ward.id, label: label.value, place: Number(place.value) }),
  });
  if (isDone) again();
}

async function kiosk(ward) {
  const name = input("display", { value: ward.name });
  const isDone = await dialog({
    title: say("kiosk-title", { ward: ward.name }), body: [el("p", {}, say("kiosk-text")), field(say("places-name"), name)],
    yes: say("kiosk-yes"), kind: "dangerous",
    action: () => post("/v1/kiosk", { ward_id: ward.id, display: name.value }),
  });
  if (isDone) location.assign(`/ward/${part(ward.id)}`);
}
