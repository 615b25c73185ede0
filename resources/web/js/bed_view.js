/** What a tile or a bed page shows of a bed at an instant: one plain object. No DOM, no words: ids and values. */

import * as format from "./format.js";
import { GAP_SHOWN_US } from "./ward_state.js";
import { isExpected, isStale, isUnconfirmed, needsOf } from "./needs.js";

/** After so long the last values go too: a dash, never a number of an hour ago. */
export const DROPPED_US = 60_000_000;

/** What the reference monitor gives. */
const HAS_REFERENCE = new Set(["SBP", "MAP", "DBP", "HR"]);

/** Disk, in hours of recording, below which it is told in bold. */
export const DISK_LOW_H = 2;

/**
 * @param {object} bed of `ward_state`.
 * @param {number} nowUs the service's clock.
 * @param {{pressure: string, parameters: string[]}} options
 */
export function view(bed, nowUs, { pressure, parameters }) {
  const stale = isExpected(bed) && isStale(bed, nowUs);
  const ageUs = bed.atUs === null ? null : Math.abs(nowUs - bed.atUs); // a service's clock may have been set back
  const dropped = ageUs !== null && ageUs > DROPPED_US;
  const head = bed.head;
  return {
    bedId: bed.bedId,
    sessionId: bed.sessionId,
    label: bed.label,
    mode: mode(bed),
    pseudonym: head?.pseudonym || null, // empty where the consent keeps it at the bed
    startedUs: head?.started_us ?? null,
    operator: head?.operator ?? null,
    template: head?.template ?? null,
    devices: (head?.devices ?? []).map(deviceWords),
    watermark: watermark(head),
    isStale: stale,
    ageS: ageUs === null ? null : ageUs / 1e6,
    lastUs: bed.atUs,
    missed: missed(bed, nowUs),
    isUnconfirmed: isUnconfirmed(bed),
    binding: bed.binding,
    showsEstimates: showsEstimates(bed),
    isHidden: head?.hidden === true,
    hasValues: Object.keys(bed.numerics ?? {}).length > 0,
    rows: parameters.map((p) => row(p, bed, pressure, dropped)),
    needs: needsOf(bed, nowUs),
    facts: facts(bed, nowUs),
    footer: showsEstimates(bed) ? bed.footer : null,
  };
}

function mode(bed) {
  if (bed.sessionId === null) return bed.binding ? "waiting" : "empty";
  if (bed.state?.recording === false) return "ended";
  return bed.atUs === null ? "waiting" : "recording";
}

function deviceWords(device) {
  const name = String(device.name ?? device.id ?? "");
  return device.serial ? `${name} ${device.serial}` : name;
}

function watermark(head) {
  if (head?.simulated) return "simulated";
  return head?.training ? "training" : null;
}

function missed(bed, nowUs) {
  const isRecent = bed.missedAtUs !== null && nowUs - bed.missedAtUs < GAP_SHOWN_US;
  return { last: isRecent ? bed.missedLast : 0, atUs: isRecent ? bed.missedAtUs : null, total: bed.missed };
}

/** Nothing of the estimates where the study hides them, or where the service sends none (a blinded reader). */
export function showsEstimates(bed) {
  if (bed.head?.hidden) return false;
  return Object.values(bed.numerics ?? {}).some((n) => n && "est" in n && n.why !== "hidden");
}

function row(parameter, bed, pressure, dropped) {
  const told = bed.numerics?.[parameter];
  return {
    parameter,
    unit: format.unit(parameter, pressure),
    colour: format.colour(parameter),
    estimate: showsEstimates(bed) ? estimate(parameter, told, pressure, dropped) : null,
    reference: reference(parameter, told, pressure, dropped),
  };
}

function estimate(parameter, told, pressure, dropped) {
  const { factor, places } = format.scale(parameter, pressure);
  const nothing = (why) => ({ text: format.DASH, interval: null, why, isSimulated: false });
  if (dropped) return nothing("no-data");
  if (!told) return nothing("unknown");
  const why = typeof told.why === "string" ? told.why.replace(/^why-/, "") : null;
  const isSimulated = told.sim === true || why === "simulated";
  if (why !== null && why !== "" && why !== "simulated") return nothing(why);
  if (!Number.isFinite(told.est)) return nothing("unknown");
  const hasInterval = Number.isFinite(told.lo) && Number.isFinite(told.hi);
  if (!hasInterval && !isSimulated) return nothing("no-interval");
  return {
    text: format.number(told.est * factor, places),
    interval: hasInterval ? format.interval(told.lo * factor, told.hi * factor, places) : null,
    why: null,
    isSimulated,
  };
}

function reference(parameter, told, pressure, dropped) {
  if (!told || told.ref === undefined || (told.ref === null && !HAS_REFERENCE.has(parameter))) return null;
  const { factor, places } = format.scale(parameter, pressure);
  if (dropped || !Number.isFinite(told.ref)) return { text: format.DASH, isValid: false, why: null };
  const isValid = told.ref_valid !== false;
  return { text: format.number(told.ref * factor, places), isValid, why: isValid ? null : "uncalibrated" };
}

/** Health of the collection: ids and values of what stands on the status line. */
function facts(bed, nowUs) {
  const state = bed.state;
  if (!state) return [];
  const out = [];
  if (Number.isFinite(state.calibration_age_s)) {
    out.push({ id: "fact-calibration", values: { age: format.age(state.calibration_age_s) }, isLow: false });
  }
  if (Number.isFinite(state.personalised_age_s)) {
    out.push({ id: "fact-personalised", values: { age: format.age(state.personalised_age_s) }, isLow: false });
  }
  for (const [id, percent] of batteries(state.battery)) {
    out.push({ id: "fact-battery", values: { id, percent: Math.round(percent) }, isLow: percent < 20 });
  }
  if (Number.isFinite(state.disk_hours)) {
    const isLow = state.disk_hours < DISK_LOW_H;
    out.push({ id: "fact-disk", values: { hours: format.number(state.disk_hours, isLow ? 1 : 0) }, isLow });
  }
  const sync = state.sync;
  if (sync && Number.isFinite(sync.total) && sync.total > 0) {
    const done = { waiting: sync.waiting, total: sync.total };
    if (Number.isFinite(sync.last_success_us)) {
      const time = format.since(sync.last_success_us, nowUs);
      out.push({ id: "fact-sync", values: { ...done, time }, isLow: false });
    } else out.push({ id: "fact-sync-never", values: done, isLow: false });
  }
  return out;
}

/** `{e4: 0.96}` as pairs in percent. */
function batteries(told) {
  const shares = Object.entries(told ?? {}).filter(([, share]) => Number.isFinite(share));
  return shares.map(([id, share]) => [id, share * 100]);
}
