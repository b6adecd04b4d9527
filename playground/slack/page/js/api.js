// The people API of the local Slack: what a person's client would do. Every failure is said in a toast.
import { toast } from "./toasts.js";

const UNREACHABLE = "The local Slack does not answer. Is the playground still running?";

/** GET as JSON; null when the address is absent (404). An Error with one sentence when it is refused or unreachable. */
export async function read(path) {
  const answer = await fetch(path, { headers: { accept: "application/json" } }).catch(() => {
    throw new Error(UNREACHABLE);
  });
  if (answer.status === 404) return null;
  if (!answer.ok) throw new Error(`The local Slack answered ${answer.status} to ${path.split("?")[0]}.`);
  const told = await answer.json();
  if (told.ok === false) throw new Error(told.message || told.error);
  return told;
}

/** POST as JSON. Always resolves to {ok, …}; what went wrong has been shown by then. */
export async function send(path, body) {
  const answer = await post(path, body);
  if (!answer.ok && !answer.errors) toast(answer.message || answer.error || "That did not work.", "error");
  return answer;
}

async function post(path, body) {
  try {
    const answer = await fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body ?? {}),
    });
    const text = await answer.text();
    const told = text.startsWith("{") ? JSON.parse(text) : {};
    return {
      ...told,
      ok: told.ok ?? answer.ok,
      error: told.error ?? (answer.ok ? undefined : `The local Slack answered ${answer.status}.`),
    };
  } catch (problem) {
    return { ok: false, error: UNREACHABLE, cause: problem.message };
  }
}

/** A query string without the empty parts. */
export function query(parts) {
  return new URLSearchParams(Object.entries(parts).filter(([, value]) => value)).toString();
}
