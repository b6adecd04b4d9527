// A press and its release must meet the same button: while a pointer is down in a part of the page, that part
// is not redrawn.

const LONGEST_MS = 4000;

const waiting = new Map();
let pressed = null;
let timer = 0;

/** Redraw `root` by `work` now, or as soon as the pointer that is down in it has let go. */
export function unlessPressed(root, work) {
  if (pressed && root.contains(pressed)) waiting.set(root, work);
  else work();
}

function letGo() {
  pressed = null;
  const works = [...waiting.values()];
  waiting.clear();
  for (const work of works) work();
}

addEventListener(
  "pointerdown",
  (event) => {
    pressed = event.target;
    clearTimeout(timer);
    // A list that the browser opened may keep the release to itself.
    timer = setTimeout(letGo, LONGEST_MS);
  },
  true,
);

for (const type of ["pointerup", "pointercancel"]) {
  addEventListener(
    type,
    () => {
      clearTimeout(timer);
      // The click itself comes before the next task.
      timer = setTimeout(letGo);
    },
    true,
  );
}
