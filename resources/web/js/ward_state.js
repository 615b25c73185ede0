/** A ward as the service tells it: messages in, beds out. No DOM, no clock. */

/** Messages missed are told on the tile for so long. */
export const GAP_SHOWN_US = 60_000_000;

/** Nothing known yet. `beds` by id, `order` the fixed places. */
export const emptyWard = () => ({ beds: new Map(), order: [] });

/**
 * Take one message of the service.
 *
 * @returns {{ward: object, changed: string[], isLayout: boolean}} beds that look different; whether beds came or went.
 */
export function reduce(ward, message) {
  if (message.type === "ward") return placed(ward, message);
  if (message.type === "bed") return said(ward, message);
  return { ward, changed: [], isLayout: false };
}

function placed(ward, message) {
  const beds = new Map();
  const listed = Array.isArray(message.beds) ? message.beds : [];
  for (const told of listed) {
    const known = ward.beds.get(told.bed_id) ?? emptyBed(told.bed_id);
    const bed = bound({ ...known, label: String(told.label ?? ""), place: Number(told.place ?? 0) }, told.binding);
    const { at_us: atUs, msg } = told.last ?? {};
    const isNews = msg && Number.isFinite(atUs) && !isOld(bed, msg);
    const heard = isNews ? spoken(bed, atUs, 0, msg) : bed;
    beds.set(told.bed_id, { ...heard, missed: Math.max(heard.missed, told.gaps ?? 0), needs: told.needs ?? [] });
  }
  const order = [...beds.values()].sort((a, b) => a.place - b.place || compare(a.label, b.label)).map((b) => b.bedId);
  const isLayout = order.join() !== ward.order.join();
  return { ward: { beds, order }, changed: order, isLayout };
}

function said(ward, message) {
  const listed = ward.beds.get(message.bed_id);
  if (!listed || !message.msg || isOld(listed, message.msg)) return { ward, changed: [], isLayout: false };
  const known = message.binding === undefined ? listed : bound(listed, message.binding);
  const beds = new Map(ward.beds);
  beds.set(message.bed_id, spoken(known, message.at_us, message.gap, message.msg));
  return { ward: { ...ward, beds }, changed: [message.bed_id], isLayout: false };
}

const emptyBed = (bedId) => ({
  bedId, label: "", place: 0, binding: null, ...NOBODY,
});

/** What belongs to a session and goes with it: nobody is ever shown with the numbers of somebody else. */
const NOBODY = {
  sessionId: null, seq: null, tUs: null, atUs: null, missed: 0, missedLast: 0, missedAtUs: null, head: null,
  footer: null, state: null, numerics: null, needs: [],
};

function bound(bed, binding) {
  const next = binding?.session_id
    ? {
        sessionId: binding.session_id,
        boundUs: binding.bound_us ?? null,
        confirmedUs: binding.confirmed_us ?? null,
        confirmedBy: binding.confirmed_by ?? null,
      }
    : null;
  const isSame = bed.sessionId === null || next?.sessionId === bed.sessionId;
  return { ...bed, ...(isSame ? {} : NOBODY), binding: next };
}

/** A repeat or a message overtaken by a later one; a station that began again counts from one with a later time. */
const isOld = (bed, msg) =>
  bed.sessionId === idOf(msg) && bed.seq !== null && msg.seq <= bed.seq && msg.t_us <= bed.tUs;

/** The session of a message; null while the bedside records nothing. */
const idOf = (msg) => msg.session_id || null;

function spoken(bed, atUs, gap, msg) {
  const isSame = bed.sessionId === idOf(msg);
  const base = isSame ? bed : { ...bed, ...NOBODY };
  const skipped = isSame && bed.seq !== null && msg.seq > bed.seq ? msg.seq - bed.seq - 1 : 0;
  const missed = Math.max(skipped, Number.isFinite(gap) ? gap : 0);
  return {
    ...base,
    sessionId: idOf(msg),
    seq: msg.seq,
    tUs: msg.t_us,
    atUs,
    missed: base.missed + missed,
    missedLast: missed > 0 ? missed : base.missedLast,
    missedAtUs: missed > 0 ? atUs : base.missedAtUs,
    head: msg.head ?? base.head,
    footer: msg.footer ?? base.footer,
    state: msg.state ?? base.state,
    needs: msg.state?.needs ?? base.needs,
    numerics: msg.numerics ?? {},
  };
}

const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
