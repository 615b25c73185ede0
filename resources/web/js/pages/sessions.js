/** Sessions in the service's custody. */

import { get, part } from "../api.js";
import { el, fill } from "../dom.js";
import { bytes, moment } from "../format.js";
import { insteadOf } from "../instead.js";
import { badge, button, listPage, table } from "../parts.js";
import { say } from "../words.js";

const PAGE = 50;

export function sessionsPage({ me }) {
  if (!me.actions.has("see-session")) return { node: insteadOf("sessions-not-yours", me) };
  let shown = [];
  const more = el("p", { class: "row-of" });
  const page = listPage(say("sessions-title"), async () => {
    const { sessions } = await get(`/v1/sessions?limit=${PAGE}`);
    shown = sessions;
    return draw();
  });
  function draw() {
    const last = shown[shown.length - 1];
    fill(more, shown.length > 0 && shown.length % PAGE === 0 ? button(say("more"), async () => {
      const { sessions } = await get(`/v1/sessions?limit=${PAGE}&after=${part(last.session_id)}`);
      shown = [...shown, ...sessions];
      fill(page.node.querySelector(".page-body"), ...draw());
    }) : null);
    return [table(say("sessions-title"),
      [say("sessions-subject"), say("sessions-began"), say("sessions-place"), say("sessions-device"), say("sessions-custody")],
      shown.map((s) => [
        [el("a", { href: `/session/${part(s.session_id)}`, class: s.state === "erased" ? "gone" : null },
          s.pseudonym ?? say("sessions-erased-subject")), ...tags(s)],
        moment(s.created_us), [s.ward, s.bed].filter(Boolean).join(" · ") || "–", s.device, custody(s)]),
      say("sessions-none")), more];
  }
  return page;
}

/** What a session must never be shown without. */
export function tags(session) {
  const out = [];
  if (session.simulated) out.push(" ", badge(say("tag-simulated"), "sim"));
  else if (session.training) out.push(" ", badge(say("tag-training"), "sim"));
  if (session.held) out.push(" ", badge(say("tag-held"), "warn"));
  if (session.hidden) out.push(" ", badge(say("tile-hidden")));
  return out;
}

/** Where a session's files are. */
export function custody(session) {
  if (session.state === "erased") return badge(say("custody-erased"), "bad");
  if (session.rev === null) return badge(say("custody-nothing"), "warn");
  const kept = say("custody-kept", { files: session.files, size: bytes(session.bytes) });
  return [session.state === "sealed" ? badge(say("custody-sealed"), "good") : badge(say("custody-open"), "warn"), " ", kept];
}
