/** Elements made of text, never of markup. */

/**
 * `el("button", {class: "quiet", type: "button", onclick: f}, "Text", child)`. Properties that begin with `on` are
 * listeners, `false` and `null` are left out, the rest are attributes.
 */
export function el(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.flat().filter((c) => c !== null && c !== undefined && c !== false && c !== ""));
  return node;
}

/** Text of a node, touched only when it differs. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** A class, touched only when it differs. */
export function setClass(node, name, on) {
  if (node.classList.contains(name) !== on) node.classList.toggle(name, on);
}

/** Shown or not. */
export function setShown(node, on) {
  if (node.hidden === on) node.hidden = !on;
}

/** In place of whatever was there. */
export function fill(parent, ...children) {
  parent.replaceChildren(...children.flat().filter((c) => c !== null && c !== undefined && c !== false));
}

let nextId = 0;
/** A label and its field, tied together. */
export function field(label, input, hint = null) {
  nextId += 1;
  input.id = `field-${nextId}`;
  const parts = [el("label", { for: input.id }, label), input];
  if (hint) {
    const note = el("p", { class: "hint", id: `hint-${nextId}` }, hint);
    input.setAttribute("aria-describedby", note.id);
    parts.push(note);
  }
  return el("div", { class: "field" }, ...parts);
}

/** A sentence that is read out and seen: what went wrong, or what was done. */
export function notice(kind = "error") {
  return el("p", { class: `notice ${kind}`, role: kind === "error" ? "alert" : "status", hidden: true });
}

/** Say it, or with an empty text take it away. */
export function tell(node, text, kind = null) {
  if (kind) node.className = `notice ${kind}`;
  setText(node, text);
  setShown(node, text !== "");
}
