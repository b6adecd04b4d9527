// Building blocks of the page. Text only ever becomes text nodes: nothing here or elsewhere parses markup.

const SVG = "http://www.w3.org/2000/svg";

/** One element. Props starting with "on" are listeners; "class", "dataset" and attributes go by their usual names. */
export function h(tag, props, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) setProp(node, name, value);
  node.append(...flat(children));
  return node;
}

function setProp(node, name, value) {
  if (value === undefined || value === null || value === false) return;
  if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
  else if (name === "dataset") Object.assign(node.dataset, dropEmpty(value));
  else if (name === "vars") for (const [key, text] of Object.entries(value)) node.style.setProperty(`--${key}`, text);
  else if (name === "value" || name === "checked" || name === "selected") node[name] = value;
  else node.setAttribute(name, value === true ? "" : value);
}

function dropEmpty(record) {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined && value !== null));
}

function flat(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}

/** A drawing: `shapes` is a list of [tag, attributes]. */
export function svg(viewBox, shapes, props) {
  const node = document.createElementNS(SVG, "svg");
  for (const [name, value] of Object.entries({ viewBox, "aria-hidden": "true", ...props }))
    node.setAttribute(name, value);
  for (const [tag, attributes] of shapes) {
    const shape = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) shape.setAttribute(name, value);
    node.append(shape);
  }
  return node;
}

/** Replace the children of a node. */
export function fill(node, ...children) {
  node.replaceChildren(...flat(children));
  return node;
}

/** The element with this id; the page's skeleton is in index.html. */
export const byId = (id) => document.getElementById(id);

let serial = 0;
/** A fresh id, to tie a label or an error to its field. */
export const freshId = (prefix) => `${prefix}-${++serial}`;

/** Run `work` once per `ms` at most, after the last call. */
export function debounce(work, ms) {
  let timer = 0;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...args), ms);
  };
}
