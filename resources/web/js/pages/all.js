/** Every page by the name of its address. */

import { Refused, get } from "../api.js";
import { el } from "../dom.js";
import { say } from "../words.js";
import { auditPage } from "./audit.js";
import { bedPage } from "./bed.js";
import { devicesPage } from "./devices.js";
import { peoplePage } from "./people.js";
import { sessionPage } from "./session.js";
import { sessionsPage } from "./sessions.js";
import { passwordPage } from "./sign_in.js";
import { wardPage } from "./ward.js";
import { wardsPage } from "./wards.js";
import { withdrawalsPage } from "./withdrawals.js";

/** A ward by its id, of those one may see. */
async function wardOf(id) {
  const { wards } = await get("/v1/wards");
  const found = wards.find((ward) => ward.id === id);
  if (!found) throw new Refused(404, id);
  return found;
}

export const PAGES = {
  wards: wardsPage,
  ward: async ({ args, me, shell }) => wardPage({ ward: await wardOf(args[0]), me, shell }),
  bed: async ({ args, me, shell }) => bedPage({ ward: await wardOf(args[0]), bedId: args[1], me, shell }),
  sessions: sessionsPage,
  session: sessionPage,
  people: peoplePage,
  devices: devicesPage,
  audit: auditPage,
  withdrawals: withdrawalsPage,
  password: ({ onDone }) => passwordPage({ isFirst: false, onDone }),
  lost: () => ({ node: el("p", { class: "card" }, say("problem-not-here")) }),
};
