/** Trends: what the service kept, filled up by what was heard since. No DOM, no clock. */

/** Spans offered, in minutes. */
export const SPANS_MIN = [5, 15, 60, 240, 720, 1440];
/** At most so many points are asked for; more than a screen has pixels across. */
export const POINTS = 1000;
const COLUMNS = ["est", "lo", "hi", "ref"];

/** No rows. */
export const nothing = () => ({ t: [], est: [], lo: [], hi: [], ref: [], gaps: [], stepS: 1 });

/** Reply of `/v1/sessions/{id}/trend` with times in seconds. */
export function fromReply(reply) {
  const rows = { ...nothing(), t: (reply.t_us ?? []).map((us) => us / 1e6), stepS: (reply.step_us ?? 1e6) / 1e6 };
  for (const name of COLUMNS) rows[name] = rows.t.map((_, i) => reply[name]?.[i] ?? null);
  rows.est = rows.est.map((v, i) => (rows.lo[i] === null || rows.hi[i] === null ? null : v)); // no interval, no line
  rows.gaps = (reply.gaps ?? []).map(([a, b]) => [a / 1e6, b / 1e6]);
  return rows;
}

/** Where a bedside's clock differs by more, its seconds are dated by their arrival, as the service dates what it keeps. */
const SKEW_US = 5_000_000;

/** One second of the live path as a row, null for what is not there; it arrived at `atUs` of the service's clock. */
export function fromMessage(msg, parameter, hides, atUs) {
  const countsUs = Number.isFinite(atUs) && Math.abs(atUs - msg.t_us) > SKEW_US ? atUs : msg.t_us;
  const told = msg.numerics?.[parameter] ?? {};
  const value = (v) => (Number.isFinite(v) ? v : null);
  const est = hides ? null : value(told.est);
  const isWhole = est !== null && value(told.lo) !== null && value(told.hi) !== null;
  return {
    t: Math.floor(countsUs / 1e6), est: isWhole ? est : null, lo: isWhole ? told.lo : null,
    hi: isWhole ? told.hi : null, ref: told.ref_valid === false ? null : value(told.ref),
  };
}

/**
 * Kept rows with live ones: a live second stands in for the same second, later ones follow. Nothing before `fromS`.
 */
export function merged(kept, live, fromS) {
  const out = { ...nothing(), stepS: kept.stepS };
  const push = (t, row) => {
    if (t < fromS || t <= (out.t[out.t.length - 1] ?? -Infinity)) return;
    out.t.push(t);
    for (const name of COLUMNS) out[name].push(row[name]);
  };
  const seconds = new Map(live.map((row) => [row.t, row]));
  kept.t.forEach((t, i) => {
    const same = kept.stepS <= 1 ? seconds.get(Math.floor(t)) : undefined;
    push(t, same ?? Object.fromEntries(COLUMNS.map((name) => [name, kept[name][i]])));
  });
  const endS = kept.t.length > 0 ? kept.t[kept.t.length - 1] + kept.stepS : -Infinity;
  for (const row of [...live].sort((a, b) => a.t - b.t)) if (row.t >= endS) push(row.t, row);
  out.gaps = kept.gaps.filter(([, b]) => b > fromS).map(([a, b]) => [Math.max(a, fromS), b]);
  return out;
}

/** The same without what must not be shown: what was fetched or heard before estimates were hidden is hidden too. */
export function withoutEstimates(rows) {
  const none = rows.t.map(() => null);
  return { ...rows, est: none, lo: none, hi: none };
}

/** Rows as a table of uPlot with the line broken where two points lie further apart than `breakS`. */
export function table(rows, factor, breakS) {
  const columns = [[], [], [], [], []];
  rows.t.forEach((t, i) => {
    const before = columns[0].length > 0 ? columns[0][columns[0].length - 1] : t;
    if (t - before > breakS) {
      columns[0].push(before + breakS / 2);
      for (let c = 1; c < 5; c += 1) columns[c].push(null);
    }
    columns[0].push(t);
    COLUMNS.forEach((name, c) => columns[c + 1].push(rows[name][i] === null ? null : rows[name][i] * factor));
  });
  return columns;
}
