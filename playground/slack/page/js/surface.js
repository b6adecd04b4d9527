// A surface is whatever holds blocks: a message, an ephemeral message, a modal or the Home tab. It knows where
// it is, what has been filled in, and how a person's act reaches the app.
import { send } from "./api.js";
import { confirmed } from "./overlays.js";
import { me } from "./place.js";

/** Values of a view's fields as Slack's `view.state.values`: block id, action id, value. */
export class Form {
  #values = new Map();

  set(block, action, value) {
    const fields = this.#values.get(block) ?? new Map();
    this.#values.set(block, fields.set(action, value));
  }

  get(block, action) {
    return this.#values.get(block)?.get(action);
  }

  /** Forget the fields that a changed view no longer has. */
  keepOnly(blocks) {
    const ids = new Set(blocks.map((block) => block.block_id));
    for (const id of this.#values.keys()) if (!ids.has(id)) this.#values.delete(id);
  }

  values() {
    return Object.fromEntries([...this.#values].map(([block, fields]) => [block, Object.fromEntries(fields)]));
  }
}

/** `where` is {channel, ts}, {ephemeral_id} or {view_id}; `blocks` are all that it holds; a view has a form. */
export function surface(where, blocks, form = null) {
  return {
    where,
    form,
    /** Ask for confirmation, send the act, keep `node` busy until the app has answered; true when it took the act. */
    async act(block, element, payload, node, confirm = element.confirm) {
      if (node.getAttribute("aria-busy") === "true") return false;
      if (confirm && !(await confirmed(confirm))) return false;
      const deed = { user: me(), where, ...address(blocks, block, element), type: element.type, ...payload };
      const answer = await whileBusy(node, () => send("/people/action", { ...deed, values: form?.values() }));
      return answer.ok;
    },
  };
}

/**
 * The ids of an element. Slack gives blocks without an id a new one with every edit, so that a block's id, read before
 * a confirm dialog, may be gone after it; it is told only where it is needed to tell two elements apart.
 */
function address(blocks, block, element) {
  const all = blocks.flatMap((one) => [...(one.elements ?? []), one.accessory, one.element].filter(Boolean));
  const alike = all.filter((one) => one.action_id === element.action_id);
  return { action_id: element.action_id, ...(alike.length > 1 ? { block_id: block.block_id } : {}) };
}

/** Mark a control busy, without moving anything or losing the focus, while `work` runs. */
export async function whileBusy(node, work) {
  node.setAttribute("aria-busy", "true");
  try {
    return await work();
  } finally {
    node.removeAttribute("aria-busy");
  }
}
