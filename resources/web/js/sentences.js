/**
 * Finished English sentences of the service and of bedsides, on a Chinese page. They come as sentences because command
 * lines, logs and other programs read them too; each is found again by its form, `{}` standing for whatever was filled
 * in, in Chinese `{:list}` where that is a list. The suite looks that every refusal a person can meet has its form, and every form is still said.
 */

import { language, listed } from "./words.js";
import zh from "./sentences_zh.js";

const TABLES = { zh: formsOf(zh) };

/** The sentence in the language of the page, as far as its form is known. */
export function sentence(text) {
  return translated(text) ?? text;
}

/** The same; null where the page has no words for it. */
export function translated(text) {
  const forms = TABLES[language()];
  if (!forms) return text;
  for (const { pattern, said } of forms) {
    const found = pattern.exec(text);
    if (found) return filled(said, found.slice(1));
  }
  return null;
}

function filled(said, values) {
  let n = 0;
  return said.replace(/\{(:list)?\}/g, (_, isList) => {
    const value = values[n++];
    return isList ? listed(value.split(", ").map(sentence)) : sentence(value);
  });
}

/** The form with the most words of its own first: it is asked before one that fits everything. */
function formsOf(table) {
  const own = (form) => form.replaceAll("{}", "").length;
  return Object.entries(table)
    .sort(([a], [b]) => own(b) - own(a))
    .map(([form, said]) => ({ pattern: new RegExp(`^${form.split("{}").map(escaped).join("([^]*?)")}$`), said }));
}

function escaped(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
