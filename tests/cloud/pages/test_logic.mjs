// Run by tests/cloud/test_pages.py with `node --test`. The modules have no DOM and read no clock.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

const web = new URL("../../../resources/web/js/", import.meta.url);
const load = (name) => import(new URL(name, web));
const [alive, state, needs, bedView, waves, format, words, router, trends, sentences, api] = await Promise.all(
  ["alive.js", "ward_state.js", "needs.js", "bed_view.js", "waves.js", "format.js", "words.js", "router.js",
    "trend_data.js", "sentences.js", "api.js"].map(load),
);

const S = 1_000_000;
const T0 = 1_800_000_000 * S;
const clocks = (s, wallAhead = 0) => ({ monoMs: s * 1000, wallMs: (s + wallAhead) * 1000 });
const OPTIONS = { pressure: "mmHg", parameters: format.TILE_PARAMETERS };

const number = (est, extra = {}) =>
  ({ est, lo: est - 8, hi: est + 9, why: null, sim: false, ref: est + 2, ref_valid: true, ...extra });
const message = (seq, extra = {}) => ({
  v: 1, session_id: "s1", seq, t_us: T0 + seq * S, head: null, footer: null,
  state: { recording: true, needs: [], battery: {} }, numerics: { SBP: number(122) }, waves: {}, ...extra,
});
const head = (extra = {}) => ({ pseudonym: "P-1", started_us: T0, hidden: false, devices: [{ id: "e4", name: "E4", serial: "A1" }],
  simulated: false, training: false, ...extra });
const bed = (n, extra = {}) => ({ bed_id: `b${n}`, label: `${n}`, place: n, binding: null, last: null, ...extra });
const bound = (session, confirmed = T0) => ({ session_id: session, bound_us: T0, confirmed_us: confirmed });
const wardOf = (...messages) => messages.reduce((ward, m) => state.reduce(ward, m).ward, state.emptyWard());
const placed = (...beds) => ({ type: "ward", server_us: T0, beds });
const said = (n, seq, extra = {}, gap = 0) => ({ type: "bed", bed_id: `b${n}`, at_us: T0 + seq * S, gap, msg: message(seq, extra) });
const seen = (ward, n, s, options = OPTIONS) => bedView.view(ward.beds.get(`b${n}`), T0 + s * S, options);

test("the page is of now for five seconds after the last word", () => {
  let a = alive.connected(alive.begin(clocks(0)), clocks(0));
  assert.equal(alive.isAlive(a, clocks(0)), false, "nothing was heard yet");
  a = alive.heard(a, clocks(1), T0);
  for (const s of [2, 3, 4, 5, 5.9]) {
    const now = alive.beat(a, clocks(s));
    assert.equal(now.isAlive, true);
    a = now.state;
  }
  const late = alive.beat(a, clocks(6.2));
  assert.equal(late.isAlive, false);
  assert.equal(late.state.distrusted, false, "the page ran all the time: the service is silent");
});

for (const [name, later] of [["both clocks", clocks(60)], ["only the wall clock", { monoMs: 1200, wallMs: 60_000 }]]) {
  test(`after a sleep that ${name} saw, what waited in a buffer is not believed`, () => {
    let a = alive.heard(alive.connected(alive.begin(clocks(0)), clocks(0)), clocks(1), T0);
    a = alive.heard(a, later, T0 + S);
    assert.equal(a.distrusted, true);
    assert.equal(alive.isAlive(a, later), false);
    a = alive.heard(a, later, T0 + 59 * S);
    assert.equal(alive.isAlive(a, later), false, "not even when it looks new: another connection is wanted");
    a = alive.heard(alive.connected(a, later), later, T0 + 59 * S);
    assert.equal(alive.isAlive(a, later), true);
  });
}

test("a wall clock set back changes nothing", () => {
  let a = alive.heard(alive.connected(alive.begin(clocks(0)), clocks(0)), clocks(1), T0);
  const back = { monoMs: 2000, wallMs: -3_600_000 };
  a = alive.heard(a, back, T0 + S);
  assert.equal(alive.isAlive(a, back), true);
});

test("words that come ever later are old news, however many they are", () => {
  let a = alive.heard(alive.connected(alive.begin(clocks(0)), clocks(0)), clocks(0), T0);
  for (let s = 1; s < 20; s += 1) a = alive.heard(a, clocks(s), T0 + s * 0.4 * S);
  assert.equal(alive.isAlive(a, clocks(19.5)), false);
});

test("the service's clock goes on between its words", () => {
  const a = alive.heard(alive.connected(alive.begin(clocks(0)), clocks(0)), clocks(1), T0);
  assert.equal(alive.serverNowUs(a, clocks(3)), T0 + 2 * S);
});

test("beds keep their places whatever they show, whatever order they are told in", () => {
  const ward = wardOf(placed(bed(3), bed(1), bed(2)), said(3, 1, { state: { recording: true, needs: [{ id: "poor-contact" }] } }));
  assert.deepEqual(ward.order, ["b1", "b2", "b3"]);
  assert.equal(state.reduce(ward, said(1, 1)).isLayout, false);
});

test("nobody is shown with the numbers of somebody else", () => {
  let ward = wardOf(placed(bed(1, { binding: bound("s1") })), said(1, 1, { head: head(), footer: "claim" }));
  assert.equal(seen(ward, 1, 1).pseudonym, "P-1");
  ward = state.reduce(ward, said(1, 2, { session_id: "s2" })).ward;
  const next = seen(ward, 1, 2);
  assert.deepEqual([next.pseudonym, next.startedUs, next.devices, next.footer], [null, null, [], null]);
  ward = wardOf(placed(bed(1, { binding: bound("s1") })), said(1, 1, { head: head() }));
  ward = state.reduce(ward, placed(bed(1, { binding: bound("s2", null) }))).ward;
  const swapped = seen(ward, 1, 1);
  assert.equal(swapped.pseudonym, null);
  assert.equal(swapped.rows[0].reference, null);
  assert.equal(swapped.isUnconfirmed, true);
});

test("what the service knew when the page came is shown until something newer is heard", () => {
  const told = bed(1, { binding: bound("s1"), gaps: 2, needs: [{ id: "sync-lag" }], last: { at_us: T0 + 5 * S,
    msg: message(5, { head: head(), state: { recording: true, needs: [{ id: "sync-lag" }] } }) } });
  let ward = wardOf(placed(told));
  assert.deepEqual([seen(ward, 1, 6).pseudonym, seen(ward, 1, 6).missed.total, seen(ward, 1, 6).needs[0].id], ["P-1", 2, "sync-lag"]);
  ward = state.reduce(ward, said(1, 6)).ward;
  ward = state.reduce(ward, placed(told)).ward;
  assert.equal(ward.beds.get("b1").seq, 6, "an older picture does not overwrite a newer one");
  const late = needs.needsOf(wardOf(placed(told)).beds.get("b1"), T0 + 30 * S);
  assert.equal(late[0].id, "no-data", "a page opened after a bedside died says so");
});

test("a message tells of its binding itself", () => {
  let ward = wardOf(placed(bed(1)), { ...said(1, 1), binding: bound("s1", null) });
  assert.equal(seen(ward, 1, 1).isUnconfirmed, true);
  ward = state.reduce(ward, { ...said(1, 2), binding: bound("s1") }).ward;
  assert.equal(seen(ward, 1, 2).isUnconfirmed, false);
  ward = state.reduce(ward, placed(bed(1, { binding: { ...bound("s1"), session_id: "" } }))).ward;
  assert.deepEqual([seen(ward, 1, 2).mode, seen(ward, 1, 2).pseudonym], ["empty", null], "the session ended");
});

test("head and footer stay while the session does", () => {
  const ward = wardOf(placed(bed(1)), said(1, 1, { head: head(), footer: "claim" }), said(1, 2));
  assert.deepEqual([seen(ward, 1, 2).pseudonym, seen(ward, 1, 2).footer], ["P-1", "claim"]);
});

test("jumps of the count are told, repeats passed over, a station that began again believed", () => {
  let ward = wardOf(placed(bed(1)), said(1, 1), said(1, 2), said(1, 6), said(1, 5));
  assert.deepEqual([seen(ward, 1, 6).missed.last, seen(ward, 1, 6).missed.total], [3, 3]);
  assert.equal(ward.beds.get("b1").seq, 6);
  ward = state.reduce(ward, { ...said(1, 1), at_us: T0 + 9 * S, msg: message(1, { t_us: T0 + 9 * S }) }).ward;
  assert.deepEqual([ward.beds.get("b1").seq, seen(ward, 1, 9).missed.total], [1, 3]);
  assert.equal(seen(ward, 1, 200).missed.last, 0, "the newest gap is told for a minute, the sum stays");
  ward = state.reduce(ward, said(1, 20, {}, 40)).ward;
  assert.equal(seen(ward, 1, 20).missed.last, 40, "the service's own count, where it is larger");
});

test("a datum of more than five seconds is old, after a minute no number is left", () => {
  const ward = wardOf(placed(bed(1, { binding: bound("s1") })), said(1, 1, { head: head() }));
  const at = (s) => seen(ward, 1, s);
  assert.deepEqual([at(5.9).isStale, at(6.2).isStale], [false, true]);
  assert.equal(at(6.2).rows[0].estimate.text, "122");
  assert.deepEqual([at(62).rows[0].estimate.text, at(62).rows[0].reference.text], [format.DASH, format.DASH]);
  assert.equal(at(6.2).needs[0].id, "no-data");
  const ended = wardOf(placed(bed(1)), said(1, 1, { state: { recording: false, needs: [] } }));
  assert.deepEqual([seen(ended, 1, 60).isStale, seen(ended, 1, 60).needs, seen(ended, 1, 60).mode], [false, [], "ended"]);
});

test("no interval, no number; a reason instead; simulated values tagged", () => {
  const numerics = { SBP: number(122), MAP: number(90, { lo: null, hi: null }), DBP: number(70, { est: null, why: "motion" }),
    HR: number(60, { lo: null, hi: null, sim: true, ref: null }) };
  const rows = seen(wardOf(placed(bed(1)), said(1, 1, { numerics })), 1, 1).rows;
  assert.deepEqual(rows.map((r) => [r.estimate.text, r.estimate.interval, r.estimate.why, r.estimate.isSimulated]), [
    ["122", "114–131", null, false], [format.DASH, null, "no-interval", false], [format.DASH, null, "motion", false],
    ["60", null, null, true]]);
  assert.deepEqual(rows.map((r) => r.reference.text), ["124", "92", "72", format.DASH]);
});

test("hidden estimates leave nothing behind, not even if a number came", () => {
  for (const [h, n] of [[head({ hidden: true }), number(122)], [head(), { est: null, why: "hidden", ref: 124, ref_valid: true }]]) {
    const ward = wardOf(placed(bed(1)), said(1, 1, { head: h, footer: "learned from", numerics: { SBP: n } }));
    const shown = seen(ward, 1, 1);
    assert.equal(shown.showsEstimates, false);
    assert.equal(shown.rows[0].estimate, null);
    assert.equal(shown.footer, null);
    assert.equal(shown.rows[0].reference.text, "124");
  }
});

test("where the consent keeps values at the bed, none is drawn and nobody is named", () => {
  const shown = seen(wardOf(placed(bed(1)), said(1, 1, { head: head({ pseudonym: "" }), numerics: {} })), 1, 1);
  assert.deepEqual([shown.pseudonym, shown.hasValues, shown.showsEstimates], [null, false, false]);
});

test("an uncalibrated reference is no valid one", () => {
  const ward = wardOf(placed(bed(1)), said(1, 1, { numerics: { SBP: number(122, { ref_valid: false }) } }));
  assert.deepEqual(seen(ward, 1, 1).rows[0].reference, { text: "124", isValid: false, why: "uncalibrated" });
});

test("kilopascal", () => {
  const ward = wardOf(placed(bed(1)), said(1, 1));
  const row = seen(ward, 1, 1, { ...OPTIONS, pressure: "kPa" }).rows[0];
  assert.deepEqual([row.unit, row.estimate.text, row.estimate.interval], ["kPa", "16.3", "15.2–17.5"]);
});

test("the strip lists reasons by kind, then place, with since when; it forgets what is over", () => {
  const told = (...ids) => ({ state: { recording: true, needs: ids.map((id) => ({ id, values: {} })) } });
  let ward = wardOf(
    placed(bed(1, { binding: bound("s1") }), bed(2, { binding: bound("s1", null) }), bed(3)),
    said(1, 1, told("old-calibration", "poor-contact")), said(2, 1, told("poor-contact", "confirm-binding")));
  const since = new Map();
  const entries = needs.strip(ward, T0 + 2 * S, since);
  assert.deepEqual(entries.map((e) => [e.label, e.id]),
    [["2", "confirm-binding"], ["1", "poor-contact"], ["2", "poor-contact"], ["1", "old-calibration"]]);
  assert.equal(entries[0].sinceUs, T0);
  assert.equal(needs.strip(ward, T0 + 4 * S, since)[1].sinceUs, T0 + 2 * S, "since it was first seen");
  ward = state.reduce(ward, said(1, 2, told())).ward;
  needs.strip(ward, T0 + 5 * S, since);
  ward = state.reduce(ward, said(1, 3, told("poor-contact"))).ward;
  assert.equal(needs.strip(ward, T0 + 6 * S, since)[1].sinceUs, T0 + 6 * S, "it went and came again");
});

test("what shows from here is told from here: the service's word on it may be a second old", () => {
  const told = { state: { recording: true, needs: [{ id: "confirm-binding" }, { id: "no-data" }, { id: "sync-lag" }] } };
  const ward = wardOf(placed(bed(1, { binding: bound("s1") })), said(1, 1, told));
  assert.deepEqual(seen(ward, 1, 2).needs.map((n) => n.id), ["sync-lag"]);
});

test("two devices of a bed are two needs; ages in their values make no new ones", () => {
  const lost = (device, age) => ({ id: "device-lost", values: { device, age_s: age } });
  const told = (...all) => ({ state: { recording: true, needs: all } });
  let ward = wardOf(placed(bed(1, { binding: bound("s1") })), said(1, 1, told(lost("E4", 1), lost("CNAP", 1), lost("E4", 1))));
  const since = new Map();
  assert.deepEqual(needs.strip(ward, T0 + S, since).map((e) => e.values.device), ["E4", "CNAP"]);
  ward = state.reduce(ward, said(1, 2, told(lost("E4", 2), lost("CNAP", 2)))).ward;
  assert.deepEqual(needs.strip(ward, T0 + 2 * S, since).map((e) => e.sinceUs), [T0 + S, T0 + S]);
});

test("an empty bed needs nobody", () => {
  const ward = wardOf(placed(bed(1)), said(1, 1, { session_id: "" }));
  assert.deepEqual([seen(ward, 1, 100).mode, seen(ward, 1, 100).needs], ["empty", []]);
});

test("facts of the collection", () => {
  const told = { recording: true, needs: [], disk_hours: 1.25, battery: { e4: 0.96, x: null }, calibration_age_s: 3720,
    sync: { waiting: 3, total: 41, last_success_us: null } };
  const facts = seen(wardOf(placed(bed(1)), said(1, 1, { state: told })), 1, 1).facts;
  assert.deepEqual(facts.map((f) => words.say(f.id, f.values)),
    ["calibrated 62 min ago", "e4 96 %", "disk 1.3 h", "sync 3 of 41 waiting"]);
  assert.deepEqual(facts.map((f) => f.isLow), [false, false, true, false]);
});

const encode = (...samples) => Buffer.from(Int16Array.from(samples).buffer).toString("base64");

test("waves come out as they went in, gaps stay gaps", () => {
  const samples = [0, 1, -1, 32767, -32767, 1234];
  assert.deepEqual([...waves.decode(encode(...samples))], samples);
  assert.equal(waves.decode("no base64!").length, 0);
  const trace = new waves.Trace(10);
  const block = (t, ...v) => trace.add({ rate_hz: 4, t0_us: t * S, scale: 0.5, offset: 10, unit: "mmHg", i16: encode(...v) });
  block(100, 0, 2, waves.MISSING, 4);
  block(101, 6, 6, 6, 6);
  block(101, 6, 6, 6, 6); // again
  block(104, 8, 8, 8, 8);
  assert.equal(trace.times.length, 12);
  assert.deepEqual(trace.values.slice(0, 2), [10, 11]);
  assert.deepEqual([2, 4, 8].map((i) => trace.isGap(i)), [true, false, true]);
  assert.deepEqual(trace.range(100, 200), [10, 14]);
  block(20, 1, 1, 1, 1); // the bedside's clock was set back
  assert.equal(trace.times[0], 20);
});

test("a trace keeps what a sweep needs and no more", () => {
  const trace = new waves.Trace(10);
  for (let t = 0; t < 600; t += 1) trace.add({ rate_hz: 100, t0_us: t * S, scale: 1, offset: 0, i16: encode(...Array(100).fill(1)) });
  assert.ok(trace.times.length < 1300, String(trace.times.length));
});

test("the sweep follows smoothly, never ahead of the samples", () => {
  let at = null;
  let newest = 0;
  const steps = [];
  for (let frame = 0; frame < 600; frame += 1) {
    if (frame % 15 === 0) newest += 1;
    const next = waves.advance(at, newest, 1 / 15);
    assert.ok(next <= newest);
    if (frame > 60) steps.push(next - at);
    at = next;
  }
  assert.ok(Math.min(...steps) > 0.05 && Math.max(...steps) < 0.09, `${Math.min(...steps)} ${Math.max(...steps)}`);
  assert.equal(waves.advance(at, newest + 60, 1 / 15), newest + 60 - 1.3, "after a gap it jumps");
});

test("limits hold still while a wave fits", () => {
  const first = waves.limits([60, 122], "mmHg", null);
  assert.deepEqual(first, [40, 140]);
  assert.equal(waves.limits([62, 125], "mmHg", first), first);
  assert.deepEqual(waves.limits([62, 180], "mmHg", first), [40, 200]);
});

test("both languages have the same words with the same values", () => {
  const { en, zh } = words.LANGUAGES;
  assert.deepEqual(Object.keys(zh).sort(), Object.keys(en).sort());
  const holes = (text) => [...text.matchAll(/\{(\w+)\}/g)].map((m) => m[1]).sort();
  for (const id of Object.keys(en)) {
    assert.deepEqual(holes(zh[id]), holes(en[id]), id);
    assert.ok(en[id].trim() && zh[id].trim(), id);
  }
});

test("a text with a number in it is right for one as well", () => {
  assert.equal(words.say("wards-beds", { n: 1 }), "1 bed");
  assert.equal(words.say("wards-beds", { n: "12" }), "12 beds");
  for (const [id, text] of Object.entries(words.LANGUAGES.en)) {
    const ones = Object.fromEntries([...text.matchAll(/\{(\w+)/g)].map((m) => [m[1], "1"]));
    assert.doesNotMatch(words.say(id, ones), /(?<![\d.,])1 (?:[a-z]+ )?(?!is\b|was\b|has\b|does\b|ms\b)([a-z]+s|are|were|people)\b/, id);
  }
  for (const [id, text] of Object.entries(words.LANGUAGES.zh)) assert.doesNotMatch(text, /\|[^{}]*\}/, id);
});

test("no page ever speaks of an alarm but to deny it, nor of a diagnosis", () => {
  for (const [id, text] of Object.entries(words.LANGUAGES.en)) {
    if (id !== "research-only") assert.doesNotMatch(text, /alarm|diagnos/i, id);
  }
  for (const [id, text] of Object.entries(words.LANGUAGES.zh)) {
    if (id !== "research-only") assert.doesNotMatch(text, /报警|警报|诊断/, id);
  }
});

test("every module is whole: it parses, and what it imports is exported", async () => {
  const files = JSON.parse(process.env.HEMOVIEW_PAGES);
  assert.ok(files.length > 30);
  for (const file of files) if (!file.endsWith("/main.js")) await import(file); // main begins when it is imported
  const main = readFileSync(files.find((f) => f.endsWith("/main.js")), "utf-8");
  for (const [, names, from] of main.matchAll(/import \{ ([^}]+) \} from "([^"]+)"/g)) {
    const module = await load(from.replace("./", ""));
    for (const name of names.split(",").map((n) => n.trim())) assert.ok(name in module, `${from}: ${name}`);
  }
});

test("every word that a page asks for exists, and none is left over", () => {
  const files = JSON.parse(process.env.HEMOVIEW_PAGES);
  const source = files.map((f) => readFileSync(f, "utf-8")).join("\n");
  const asked = new Set([...source.matchAll(/["'`]([a-z][a-z0-9]*(?:-[a-z0-9]+)+)["'`]/g)].map((m) => m[1]));
  const { en } = words.LANGUAGES;
  for (const [, id] of source.matchAll(/say\("([^"]+)"/g)) assert.ok(Object.hasOwn(en, id), id);
  const families = [...source.matchAll(/`([a-z-]+-)\$\{/g)].map((m) => m[1]);
  const isUsed = (id) => asked.has(id) || source.includes(`"${id}"`) || families.some((f) => id.startsWith(f));
  assert.deepEqual(Object.keys(en).filter((id) => !isUsed(id)), []);
});

test("a text is put in once and never looked into again", () => {
  assert.equal(words.say("tile-label", { label: "{pseudonym}", pseudonym: "$&<b>" }), "Bed {pseudonym}, $&<b>");
  assert.equal(words.why("something-new"), "no estimate (something-new)");
});

test("a refusal is said in the language of the page, and what it has no words for is said to be English", () => {
  const refused = (detail, status = 409) => new api.Refused(status, detail, { detail });
  assert.equal(refused("no such ward").detail, "no such ward");
  words.useLanguage("zh");
  try {
    assert.equal(sentences.sentence("see-ward for all wards needs another role; an administrator can grant it"),
      "对全部病区查看病区需要其他角色；管理员可以授予");
    assert.equal(sentences.sentence("it must not be erased: court (2026).; lift that first"), "不得删除：court (2026).；请先解除保全");
    assert.equal(refused("no such ward", 404).words, words.say("problem-other", { status: 404, detail: "没有此病区" }));
    assert.match(refused("something new").detail, /英文.*something new/);
    assert.match(sentences.sentence("Research estimate. Learned from Finapres finger cuff, finger, 23 subjects. Not checked against "
      + "Empatica E4, CNAP 500. Not for treatment or alarms."), /Finapres 指套，手指，23 名.*Empatica E4、CNAP 500/);
    assert.equal(new api.Refused(404, "id").words, words.say("problem-not-here"));
  } finally {
    words.useLanguage("en");
  }
});

test("since when a need is there is what the service says, not when this page was opened", () => {
  const told = [{ id: "poor-contact", values: {}, since_us: T0 - 600 * S }, { id: "disk-low", values: {} }];
  const ward = wardOf(placed(bed(1, { binding: bound("s1") })),
    said(1, 1, { state: { recording: true, needs: told, battery: {} }, head: head({ simulated: true }) }));
  const listed = needs.strip(ward, T0 + 2 * S, new Map());
  assert.deepEqual(listed.map((e) => [e.id, e.sinceUs, e.isSimulated]),
    [["poor-contact", T0 - 600 * S, true], ["disk-low", T0 + 2 * S, true]]);
});

test("addresses", () => {
  assert.deepEqual(router.route("/ward/a%2Fb/bed/c"), { page: "bed", args: ["a/b", "c"] });
  assert.deepEqual(router.route("/ward/%E0%A4%A"), { page: "ward", args: ["%E0%A4%A"] });
  for (const path of ["/nowhere", "/ward/", "//", "/ward/x/y"]) assert.equal(router.route(path).page, "lost");
});

test("numbers and times", () => {
  assert.deepEqual([0.44, 35.2, 720, 11_100, 250_000].map(format.age), ["0.4 s", "35 s", "12 min", "3 h 05", "2 d 21 h"]);
  assert.deepEqual([format.age(NaN), format.number(NaN, 1), format.bytes(NaN), format.moment(NaN)], Array(4).fill(format.DASH));
  assert.equal(format.elapsed(751.9), "00:12:31");
  assert.deepEqual([0, 999, 3_100_000].map(format.bytes), ["0 B", "999 B", "3.1 MB"]);
});

test("a trend is filled up by live seconds, and by what came after a gap, in order and once", () => {
  const told = { t_us: [1, 2, 3].map((s) => T0 + s * S), est: [120, 121, null], lo: [110, 111, null], hi: [130, 131, null],
    ref: [122, null, 124], n: [1, 1, 1], gaps: [[T0 + 3 * S, T0 + 6 * S]] };
  const rows = trends.fromReply(told);
  const live = { t: T0 / S + 3, est: 125, lo: 115, hi: 135, ref: 126 };
  const merged = trends.merged(rows, [live, { ...live, t: T0 / S + 7 }], T0 / S);
  assert.deepEqual(merged.t, [1, 2, 3, 7].map((s) => T0 / S + s));
  assert.deepEqual(merged.est, [120, 121, 125, 125]);
  assert.deepEqual(merged.gaps, [[T0 / S + 3, T0 / S + 6]]);
  assert.deepEqual(trends.merged(rows, [], T0 / S + 2).t, [T0 / S + 2, T0 / S + 3]);
  assert.deepEqual(rows.est, [120, 121, null]);
});

test("a mean of a minute is not overwritten by one second of it", () => {
  const told = { t_us: [T0, T0 + 60 * S], step_us: 60 * S, est: [120, 121], lo: [1, 1], hi: [2, 2], ref: [0, 0], n: [60, 60] };
  const live = [30, 60, 90, 130].map((s) => ({ t: T0 / S + s, est: 99, lo: 98, hi: 100, ref: null }));
  const rows = trends.merged(trends.fromReply(told), live, 0);
  assert.deepEqual([rows.t.map((t) => t - T0 / S), rows.est], [[0, 60, 130], [120, 121, 99]]);
  const table = trends.table(rows, 1, 150);
  assert.deepEqual(table[0].length, 3);
  assert.deepEqual(trends.table(rows, 1, 65)[1], [120, 121, null, 99], "a line never bridges a gap");
});

test("times on the page say of which zone they are", () => {
  assert.match(format.zone(T0), /UTC[+-]\d\d:\d\d$/);
  const minutes = 0 - new Date(T0 / 1000).getTimezoneOffset();
  const [, sign, hours, rest] = /UTC([+-])(\d\d):(\d\d)$/.exec(format.zone(T0));
  assert.equal((sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(rest)), minutes);
});

test("what came in the future, before the service's clock was set back, is not of now", () => {
  const ward = wardOf(placed(bed(1, { binding: bound("s1") })), said(1, 1, { head: head() }));
  assert.equal(seen(ward, 1, 1).isStale, false);
  const before = seen(ward, 1, -3600);
  assert.equal(before.isStale, true);
  assert.equal(before.rows[0].reference.text, "—");
  assert.equal(before.needs[0].id, "no-data");
});

test("what a trend held before estimates were hidden is hidden with them", () => {
  const told = { t_us: [T0, T0 + S], est: [120, 121], lo: [110, 111], hi: [130, 131], ref: [122, 123], n: [1, 1], gaps: [] };
  const rows = trends.withoutEstimates(trends.merged(trends.fromReply(told), [], 0));
  assert.deepEqual([rows.est, rows.lo, rows.hi], [[null, null], [null, null], [null, null]]);
  assert.deepEqual([rows.ref, rows.t], [[122, 123], [T0 / S, T0 / S + 1]]);
});

test("seconds of a bedside whose clock is wrong are dated by their arrival", () => {
  const msg = { t_us: T0 - 3600 * S, numerics: { SBP: number(120) } };
  assert.equal(trends.fromMessage(msg, "SBP", false, T0 + S).t, T0 / S + 1);
  assert.equal(trends.fromMessage({ ...msg, t_us: T0 }, "SBP", false, T0 + S).t, T0 / S);
  assert.equal(trends.fromMessage({ ...msg, t_us: T0 }, "SBP", false, undefined).t, T0 / S);
});
