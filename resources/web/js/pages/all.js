/** Every page by the name of its address. */

import { get, part } from "../api.js";
import { el } from "../dom.js";
import { say } from "../words.js";
import { bedPage } from "./bed.js";
import { passwordPage } from "./sign_in.js";
import { wardPage } from "./ward.js";
import { wardsPage } from "./wards.js";

export const PAGES = {
  wards: wardsPage,
  ward: async ({ args, me, shell }) => wardPage({ ward: await get(`/v1/wards/${part(args[0])}`), me, shell }),
  bed: async ({ args, me, shell }) => bedPage({ ward: await get(`/v1/wards/${part(args[0])}`), bedId: args[1], me, shell }),
  password: ({ me, onDone }) => passwordPage({ me, isFirst: false, onDone }),
  lost: () => ({ node: el("p", { class: "card" }, say("problem-not-here")) }),
};
