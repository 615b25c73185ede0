/** One row of numbers: estimate with its interval, reference beside it; or a dash and why. */

import { el, setClass, setShown, setText } from "./dom.js";
import { say, why } from "./words.js";

/** @returns {{node: HTMLElement, update: (row: object) => void}} */
export function rowDom(parameter) {
  const name = el("th", { scope: "row", class: "parameter" }, parameter);
  const unit = el("span", { class: "unit" });
  name.append(unit);
  const value = el("span", { class: "value" });
  const range = el("span", { class: "interval" });
  const tag = el("span", { class: "tag" });
  const reason = el("span", { class: "why" });
  const estimate = el("td", { class: "estimate" }, value, el("span", { class: "beside" }, range, tag), reason);
  const refValue = el("span", { class: "value" });
  const refNote = el("span", { class: "why" });
  const reference = el("td", { class: "reference" }, refValue, refNote);
  const node = el("tr", { class: "row" }, name, estimate, reference);

  function update(row) {
    setText(unit, row.unit);
    if (node.dataset.colour !== row.colour) node.dataset.colour = row.colour;
    setShown(estimate, row.estimate !== null);
    if (row.estimate) {
      const { text, interval, why: reasonId, isSimulated } = row.estimate;
      setText(value, text);
      setText(range, interval === null ? "" : `[${interval}]`);
      setText(tag, reasonId === null ? (isSimulated ? `${say("tag-est")} ${say("tag-sim")}` : say("tag-est")) : "");
      setText(reason, reasonId === null ? "" : why(reasonId));
      setClass(estimate, "abstains", reasonId !== null);
      setClass(estimate, "simulated", isSimulated);
    }
    setText(refValue, row.reference === null ? "" : row.reference.text);
    setText(refNote, row.reference?.why ? say(row.reference.why) : "");
    setClass(reference, "invalid", row.reference !== null && !row.reference.isValid);
  }

  return { node, update };
}

/** The table around rows, with what each column is. */
export function numericsDom(parameters) {
  const rows = parameters.map((p) => [p, rowDom(p)]);
  const estimate = el("th", { scope: "col", class: "of-estimate" });
  const reference = el("th", { scope: "col", class: "of-reference" });
  const node = el("table", { class: "numerics" },
    el("thead", {}, el("tr", {}, el("td", {}), estimate, reference)),
    el("tbody", {}, ...rows.map(([, r]) => r.node)));
  return {
    node,
    update(view) {
      setShown(estimate, view.showsEstimates);
      setText(estimate, say("column-estimate"));
      setText(reference, say("column-reference"));
      for (let i = 0; i < rows.length; i += 1) rows[i][1].update(view.rows[i]);
    },
  };
}
