// Names the controls for those who can't see them, says when nothing answers, and tells at the
// head of a chapter in JupyterLab what its checks have said.
const WAIT = 2500;
const OURS = ".course-explorer, .course-ask";
const SAID = /^([✅❌⬜]) (\d+\.\w+) /gm;

function name_controls(root) {
  for (const box of root.querySelectorAll(".widget-slider, .jupyter-widget-slider")) {
    const label = box.querySelector(".widget-label, .jupyter-widget-label")?.textContent.trim();
    const value = box.querySelector(".widget-readout, .jupyter-widget-readout")?.textContent.trim();
    for (const handle of box.querySelectorAll("[role=slider]")) {
      set(handle, "aria-label", label);
      set(handle, "aria-valuetext", value);
      set(handle, "aria-disabled", String(handle.closest("[disabled]") !== null));
    }
  }
  for (const button of root.querySelectorAll("button")) {
    if (!button.textContent.trim()) set(button, "aria-label", button.title || "Play");
  }
}

function set(element, attribute, value) {
  if (value && element.getAttribute(attribute) !== value) element.setAttribute(attribute, value);
}

function verdicts(page) {
  const said = new Map();
  for (const output of page.querySelectorAll(".jp-OutputArea-output pre")) {
    for (const [, mark, id] of output.textContent.matchAll(SAID)) said.set(id, mark);
  }
  return said;
}

function tell_solved(page) {
  const said = verdicts(page);
  const head = page.querySelector(".jp-MarkdownOutput h1")?.parentElement;
  if (!head || said.size === 0) return;
  const solved = [...said.values()].filter((mark) => mark === "✅").length;
  const told = [...said].map(([id, mark]) => `${mark} ${id}`).join("  ");
  let line = head.querySelector(".course-solved");
  if (line?.dataset.told === told) return;
  line?.remove();
  line = document.createElement("p");
  line.className = "course-solved";
  line.dataset.told = told;
  line.append(`${solved} of ${said.size} exercises solved: `);
  for (const [id, mark] of said) line.append(way_to(page, id, mark), " ");
  head.querySelector("h1").after(line);
}

function way_to(page, id, mark) {
  const start = `Exercise-${id}-`;
  const place = `h3[id^="${start}"], h3[data-jupyter-id^="${start}"]`;
  const way = document.createElement("a");
  way.href = "#";
  way.textContent = `${mark} ${id}`;
  way.addEventListener("click", (event) => {
    event.preventDefault();
    page.querySelector(place)?.scrollIntoView();
  });
  return way;
}

function render({ model, el }) {
  el.setAttribute("role", "status");
  let waiting = null;
  let teller = null;
  const silent = () => {
    el.textContent =
      "Nothing answers yet: the kernel is busy, or this cell has not been run since it started. " +
      "Run → Run All Cells brings it to life.";
  };
  const ask = () => {
    if (waiting !== null) return;
    waiting = setTimeout(silent, WAIT);
    model.send({ there: true, width: root.clientWidth });
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
    root = el.closest(OURS);
    if (root === null) return;
    const page = root.closest(".jp-Notebook");
    if (page) teller = setInterval(() => page.querySelector(OURS) === root && tell_solved(page), 1500);
    name_controls(root);
    const changes = { childList: true, characterData: true, attributeFilter: ["disabled"] };
    watcher.observe(root, { subtree: true, ...changes });
    root.addEventListener("pointerup", ask);
    root.addEventListener("keyup", ask);
    ask();
  };
  const timer = setTimeout(begin, 200);
  return () => {
    clearTimeout(timer);
    clearInterval(teller);
    clearTimeout(waiting);
    watcher.disconnect();
    root?.removeEventListener("pointerup", ask);
    root?.removeEventListener("keyup", ask);
    model.off("msg:custom", answered);
  };
}

export default { render };
