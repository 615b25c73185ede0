/** Addresses of the pages. Pure. */

const PATTERNS = [
  ["wards", /^\/$/],
  ["ward", /^\/ward\/([^/]+)$/],
  ["bed", /^\/ward\/([^/]+)\/bed\/([^/]+)$/],
  ["sessions", /^\/sessions$/],
  ["session", /^\/session\/([^/]+)$/],
  ["people", /^\/people$/],
  ["devices", /^\/devices$/],
  ["audit", /^\/audit$/],
  ["withdrawals", /^\/withdrawals$/],
  ["password", /^\/password$/],
];

/** `{page, args}` of a path; page `lost` for none. */
export function route(path) {
  for (const [page, pattern] of PATTERNS) {
    const match = pattern.exec(path);
    if (match) return { page, args: match.slice(1).map(decoded) };
  }
  return { page: "lost", args: [] };
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
