/** What needs a human, and since when: technical states only, never a person's values. No DOM, no clock. */

/** A datum older than this is grey and said to be old (safety rule 5). */
export const STALE_US = 5_000_000;

/** In the order in which they are listed; what endangers the right person first. */
export const KINDS = [
  "confirm-binding", "confirm-subject", "hearts-differ", "no-data", "device-lost", "poor-contact", "disk-low",
  "battery-low", "old-calibration", "uncalibrated", "sync-lag", "clock-differs", "no-consent",
];

/** Whether the newest datum of a bed is too old to be shown as of now; one of the future came before a clock was set
 * back, and how old it is nobody knows. */
export const isStale = (bed, nowUs) => bed.atUs !== null && Math.abs(nowUs - bed.atUs) > STALE_US;

/** A recording is expected to speak: it did, and did not say that it ended. */
export const isExpected = (bed) => bed.sessionId !== null && bed.atUs !== null && bed.state?.recording !== false;

/** A new session at this bed that nobody at the bed has confirmed. */
export const isUnconfirmed = (bed) =>
  bed.binding !== null && bed.binding.confirmedUs === null && (bed.state?.recording ?? true);

/**
 * Needs of one bed: what it told, and what shows here.
 *
 * @returns {{id: string, values: object, sinceUs: number|null}[]} each kind once a device, in the order of KINDS.
 */
export function needsOf(bed, nowUs) {
  const found = new Map();
  const add = (id, values, sinceUs) => {
    const key = keyOf(id, values);
    if (!found.has(key)) found.set(key, { id, values, sinceUs });
  };
  if (isUnconfirmed(bed)) add("confirm-binding", {}, bed.binding.boundUs);
  if (isExpected(bed) && isStale(bed, nowUs)) add("no-data", {}, bed.atUs);
  for (const told of bed.sessionId === null ? [] : bed.needs) {
    // what shows from here is told from here: the service's word on it may be a second old
    if (!SEEN_HERE.has(told.id)) add(told.id, told.values ?? {}, told.since_us ?? null);
  }
  return [...found.values()].sort((a, b) => rank(a.id) - rank(b.id));
}

const SEEN_HERE = new Set(["confirm-binding", "no-data"]);

/** What makes a need another one; counts and ages in its values do not. */
const keyOf = (id, values) => `${id} ${values.device ?? ""}`;

const rank = (id) => (KINDS.includes(id) ? KINDS.indexOf(id) : KINDS.length);

/**
 * The strip of a ward: one entry a bed and reason, worst kind first, then by place, so that entries do not jump.
 *
 * @param {Map<string, number>} seen when this page first saw an entry whose bed does not say since when; updated.
 */
export function strip(ward, nowUs, seen) {
  const entries = [];
  for (const bedId of ward.order) {
    const bed = ward.beds.get(bedId);
    for (const need of needsOf(bed, nowUs)) {
      const key = `${bedId} ${bed.sessionId} ${keyOf(need.id, need.values)}`;
      if (!seen.has(key)) seen.set(key, need.sinceUs ?? nowUs);
      const isSimulated = Boolean(bed.head?.simulated || bed.head?.training);
      entries.push({ ...need, key, bedId, label: bed.label, isSimulated, sinceUs: need.sinceUs ?? seen.get(key) });
    }
  }
  const present = new Set(entries.map((e) => e.key));
  for (const key of seen.keys()) if (!present.has(key)) seen.delete(key);
  return entries.sort((a, b) => rank(a.id) - rank(b.id));
}
