/** Every word of the pages, by id, in each language. A test finds ids that one of them lacks. */

import en from "./words_en.js";
import zh from "./words_zh.js";

export const LANGUAGES = { en, zh };
let active = en;
let name = "en";

/** `en` or `zh`; anything else leaves it. */
export function useLanguage(wanted) {
  if (!Object.hasOwn(LANGUAGES, wanted)) return;
  name = wanted;
  active = LANGUAGES[wanted];
}

export const language = () => name;
export const hasWord = (id) => Object.hasOwn(active, id);

/**
 * The text of an id with its named values put in, and `{n:file|files}` decided by its number: the first form for one.
 * They are text: whoever shows them never parses them as markup.
 */
export function say(id, values = {}) {
  const template = active[id] ?? en[id] ?? id;
  return template.replace(/\{(\w+)(?::([^{}|]*)\|([^{}|]*))?\}/g, (whole, key, one, many) => {
    if (!Object.hasOwn(values, key)) return whole;
    const value = Array.isArray(values[key]) ? listed(values[key]) : String(values[key]);
    if (one === undefined) return value;
    return value === "1" ? one : many;
  });
}

/** `a, b, c` as the language writes a list; `say` does so with every value that is one. */
export const listed = (members) => members.join(say("joint"));

/** Why there is no number; an unknown reason is named, not hidden. */
export function why(id) {
  const known = `why-${id}`;
  return hasWord(known) ? say(known) : `${say("why-unknown")} (${id})`;
}

/** What a bed needs. */
export function need(id, values) {
  const known = `need-${id}`;
  return hasWord(known) ? say(known, values) : say("need-other", { id });
}
