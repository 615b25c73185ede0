/** Numbers and times as they stand on the page; no DOM, no clock. */

export const DASH = "—";
/** 1 mmHg = 133.322 Pa (NIST SP 811). */
export const KPA_PER_MMHG = 0.133322;

export const PARAMETERS = ["SBP", "MAP", "DBP", "HR", "CO", "CI", "SV", "SI", "SVR", "SVRI"];
export const TILE_PARAMETERS = ["SBP", "MAP", "DBP", "HR"];
export const PRESSURES = new Set(["SBP", "MAP", "DBP"]);
const UNITS = {
  SBP: "mmHg", MAP: "mmHg", DBP: "mmHg", HR: "/min", CO: "L/min", CI: "L/min/m²", SV: "mL", SI: "mL/m²",
  SVR: "dyn·s/cm⁵", SVRI: "dyn·s·m²/cm⁵",
};
const COLOURS = { HR: "hr", CO: "flow", CI: "flow", SV: "flow", SI: "flow", SVR: "resistance", SVRI: "resistance" };
const ONE_DIGIT = new Set(["CO", "CI"]);

/** Unit of a parameter while pressures are shown in `pressure` (`mmHg` or `kPa`). */
export const unit = (parameter, pressure) => (PRESSURES.has(parameter) ? pressure : (UNITS[parameter] ?? ""));

/** Role of its colour. */
export const colour = (parameter) => COLOURS[parameter] ?? "pressure";

/** What multiplies a stored value, and how many digits follow the point. */
export function scale(parameter, pressure) {
  if (PRESSURES.has(parameter) && pressure === "kPa") return { factor: KPA_PER_MMHG, places: 1 };
  return { factor: 1, places: ONE_DIGIT.has(parameter) ? 1 : 0 };
}

/** A value, or a dash for what is no number. */
export const number = (value, places) => (Number.isFinite(value) ? value.toFixed(places) : DASH);

/** `114–131`. */
export const interval = (low, high, places) => `${low.toFixed(places)}–${high.toFixed(places)}`;

/** `0.4 s`, `35 s`, `12 min`, `3 h 05`. */
export function age(seconds) {
  if (!Number.isFinite(seconds)) return DASH;
  if (seconds < 10) return `${Math.max(0, seconds).toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  const hours = Math.floor(seconds / 3600);
  if (hours >= 48) return `${Math.floor(hours / 24)} d ${hours % 24} h`;
  return `${hours} h ${two(Math.floor((seconds % 3600) / 60))}`;
}

/** Elapsed time `00:12:31`. */
export function elapsed(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  return `${two(Math.floor(whole / 3600))}:${two(Math.floor((whole % 3600) / 60))}:${two(whole % 60)}`;
}

/** `14:05` or `14:05:09` at the place of the screen. */
export function timeOfDay(us, { seconds = false } = {}) {
  if (!Number.isFinite(us)) return DASH;
  const at = new Date(us / 1000);
  return `${two(at.getHours())}:${two(at.getMinutes())}${seconds ? `:${two(at.getSeconds())}` : ""}`;
}

/** `2026-11-20`. */
export function day(us) {
  if (!Number.isFinite(us)) return DASH;
  const at = new Date(us / 1000);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

/** `2026-11-20 14:05`. */
export const moment = (us) => (Number.isFinite(us) ? `${day(us)} ${timeOfDay(us)}` : DASH);

/** `Europe/Berlin, UTC+01:00`: of the times on the page, which are those of the screen's own clock setting. */
export function zone(us) {
  const minutes = -new Date(us / 1000).getTimezoneOffset();
  const offset = `UTC${minutes < 0 ? "-" : "+"}${two(Math.floor(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`;
  const name = new Intl.DateTimeFormat().resolvedOptions().timeZone;
  return name && name !== "UTC" ? `${name}, ${offset}` : offset;
}

/** `14:05` today, with its day otherwise. */
export const since = (us, nowUs) => (day(us) === day(nowUs) ? timeOfDay(us) : moment(us));

/** `3.1 MB`. */
export function bytes(count) {
  if (!Number.isFinite(count)) return DASH;
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = count;
  let step = 0;
  while (value >= 1000 && step < units.length - 1) {
    value /= 1000;
    step += 1;
  }
  return `${step === 0 ? value : value.toFixed(1)} ${units[step]}`;
}

const two = (value) => String(value).padStart(2, "0");
