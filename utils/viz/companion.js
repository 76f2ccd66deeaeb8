// Names the controls for those who can't see them, and says when nothing answers.
const WAIT = 2500;

function name_controls(root) {
  for (const box of root.querySelectorAll(".widget-slider, .jupyter-widget-slider")) {
    const label = box.querySelector(".widget-label, .jupyter-widget-label")?.textContent.trim();
    const value = box.querySelector(".widget-readout, .jupyter-widget-readout")?.textContent.trim();
    for (const handle of box.querySelectorAll("[role=slider]")) {
      set(handle, "aria-label", label);
      set(handle, "aria-valuetext", value);
    }
  }
  for (const button of root.querySelectorAll("button")) {
    if (!button.textContent.trim()) set(button, "aria-label", button.title || "Play");
  }
}

function set(element, attribute, value) {
  if (value && element.getAttribute(attribute) !== value) element.setAttribute(attribute, value);
}

function render({ model, el }) {
  el.setAttribute("role", "status");
  let waiting = null;
  const silent = () => {
    el.textContent =
      "Nothing answers yet: the kernel is busy, or this cell has not been run since it started. " +
      "Run → Run All Cells brings it to life.";
  };
  const ask = () => {
    if (waiting !== null) return;
    waiting = setTimeout(silent, WAIT);
    model.send({ there: true });
  };
  const answered = () => {
    clearTimeout(waiting);
    waiting = null;
    el.textContent = "";
  };
  model.on("msg:custom", answered);
  let root = null;
  const watcher = new MutationObserver(() => name_controls(root));
  const begin = () => {
    root = el.closest(".course-explorer, .course-ask");
    if (root === null) return;
    name_controls(root);
    watcher.observe(root, { subtree: true, childList: true, characterData: true });
    root.addEventListener("pointerup", ask);
    root.addEventListener("keyup", ask);
    ask();
  };
  const timer = setTimeout(begin, 200);
  return () => {
    clearTimeout(timer);
    clearTimeout(waiting);
    watcher.disconnect();
    root?.removeEventListener("pointerup", ask);
    root?.removeEventListener("keyup", ask);
    model.off("msg:custom", answered);
  };
}

export default { render };
