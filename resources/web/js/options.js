/** What this browser remembers of how things are shown; never of a person. */

const KEY = "hemoview-show";
const DEFAULTS = { language: null, unit: "mmHg", palette: "safe", waves: true };

function read() {
  try {
    return { ...DEFAULTS, ...JSON.parse(localStorage.getItem(KEY) ?? "{}") };
  } catch {
    return { ...DEFAULTS };
  }
}

let active = read();

export const options = () => active;

/** Remember a choice. */
export function choose(change) {
  active = { ...active, ...change };
  try {
    localStorage.setItem(KEY, JSON.stringify(active));
  } catch {
    // a browser that keeps nothing shows the choice until it is closed
  }
}

/** The language chosen, else the browser's, else English. */
export const languageWanted = () => active.language ?? (navigator.language?.startsWith("zh") ? "zh" : "en");
