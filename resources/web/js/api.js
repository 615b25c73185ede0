/** Requests to the service: JSON in and out, refusals as `Refused` with words for the person. */

import { translated } from "./sentences.js";
import { say } from "./words.js";

/** The service refused, or did not answer. */
export class Refused extends Error {
  constructor(status, detail, body = {}) {
    super(detail);
    this.status = status;
    this.body = body;
  }

  /** For the screen. */
  get words() {
    if (this.status === 0) return say("problem-offline");
    if (this.status === 404 && !this.body.detail) return say("problem-not-here");
    return say("problem-other", { status: this.status, detail: this.detail });
  }

  /** The service's own sentence, in the language of the page; what the page has no words for is said to be English. */
  get detail() {
    return translated(this.message) ?? say("problem-untold", { detail: this.message });
  }
}

let csrf = "";
let onSignedOut = () => {};

/** What to do when the log-in has ended. */
export const whenSignedOut = (then) => { onSignedOut = then; };

/** The token that unsafe requests of this log-in carry. */
export const useCsrf = (token) => { csrf = token ?? ""; };

/**
 * @param {string} method of HTTP, @param {string} path, @param {object} [body] sent as JSON.
 * @returns {Promise<any>} the reply's JSON, null without one.
 * @throws {Refused}
 */
export async function ask(method, path, body = undefined) {
  const headers = { Accept: "application/json" };
  if (method !== "GET") headers["X-HemoView-CSRF"] = csrf;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let reply;
  try {
    reply = await fetch(path, {
      method, headers, body: body === undefined ? undefined : JSON.stringify(body), credentials: "same-origin",
      cache: "no-store", redirect: "error",
    });
  } catch {
    throw new Refused(0, "no answer");
  }
  const told = await json(reply);
  if (reply.ok) return told;
  const refused = new Refused(reply.status, told?.detail ?? reply.statusText, told ?? {});
  if (reply.status === 401 || refused.body.must_change) onSignedOut(refused);
  throw refused;
}

async function json(reply) {
  const kind = reply.headers.get("content-type") ?? "";
  if (!kind.includes("json")) return null;
  try {
    return await reply.json();
  } catch {
    return null;
  }
}

export const get = (path) => ask("GET", path);
export const post = (path, body = {}) => ask("POST", path, body);

/** A part of a path: ids never become another path. */
export const part = (text) => encodeURIComponent(text);
