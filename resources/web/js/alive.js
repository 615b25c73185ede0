/**
 * Is what the page shows of now? Pure: every function takes the clocks and returns a new state.
 *
 * Two clocks are read, because a tablet that sleeps may stop its monotonic clock while its wall clock goes on (and a
 * wall clock may be set back). The longer of the two elapsed times counts. After a sleep nothing that still arrives over
 * the old connection is believed: it may have waited in a buffer. A new connection is asked for instead.
 */

/** The page is grey after so long without word from the service (safety rule 5). */
export const LOST_MS = 5000;

/** @typedef {{monoMs: number, wallMs: number}} Clocks */

/** Before the first connection. */
export const begin = (clocks) => ({ ran: clocks, heard: null, anchorMs: null, serverUs: null, distrusted: false });

/** Longest time that either clock says has passed. */
export const elapsedMs = (from, to) => Math.max(to.monoMs - from.monoMs, to.wallMs - from.wallMs);

/** A new connection was opened: its messages may be believed. */
export const connected = (state, clocks) => ({
  ...state, ran: clocks, heard: null, anchorMs: null, distrusted: false,
});

/**
 * The service said something at `serverUs` of its clock.
 *
 * A message that comes later than the fastest of this connection by more than LOST_MS is old news and proves nothing.
 */
export function heard(state, clocks, serverUs) {
  const woken = beat(state, clocks).state;
  if (woken.distrusted) return woken;
  const offsetMs = serverUs / 1000 - clocks.monoMs;
  const anchorMs = woken.anchorMs === null ? offsetMs : Math.max(woken.anchorMs, offsetMs);
  const isFresh = anchorMs - offsetMs <= LOST_MS;
  return { ...woken, anchorMs, serverUs, heard: isFresh ? clocks : woken.heard };
}

/** The page ran. `state.distrusted` after a sleep: drop the connection, open another. */
export function beat(state, clocks) {
  const slept = elapsedMs(state.ran, clocks) > LOST_MS;
  const next = { ...state, ran: clocks };
  const verdict = slept ? { ...next, distrusted: true, heard: null } : next;
  return { state: verdict, isAlive: isAlive(verdict, clocks) };
}

/** Whether the picture is of now. */
export const isAlive = (state, clocks) =>
  state.heard !== null && !state.distrusted && elapsedMs(state.heard, clocks) <= LOST_MS;

/** The service's clock now, in µs; null before it said anything. */
export const serverNowUs = (state, clocks) =>
  state.anchorMs === null ? state.serverUs : Math.round((state.anchorMs + clocks.monoMs) * 1000);
