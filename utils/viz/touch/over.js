// A picture, and over it a drawing in the picture's own pixels. The other scripts come behind this.
const SVG = "http://www.w3.org/2000/svg";
const PHONE = 520;
const OVER = `
.course-over { position: relative; max-width: 100%; }
.course-over img, .course-over svg { display: block; width: 100%; height: auto; }
.course-over svg { position: absolute; inset: 0; }
.course-over + p { margin: 2px 0; min-height: 1.4em; font-variant-numeric: tabular-nums; }`;

function over({ model, el, style = "" }) {
  el.innerHTML = `<style>${OVER}${style}</style><div class="course-over"><img alt=""></div>
    <p aria-hidden="true"></p>`;
  const [image, told] = [el.querySelector("img"), el.querySelector("p")];
  const svg = add(el.querySelector("div"), "svg", { "aria-hidden": "true" });
  const show = () => {
    const old = image.src;
    image.src = URL.createObjectURL(new Blob([model.get("value")], { type: "image/png" }));
    image.alt = model.get("finding");
    const { width, height } = model.get("size");
    set(image, { width, height });
    // no taller than a laptop's pane; a phone is scrolled
    const fits = width < PHONE ? "100%" : `max(300px, 100vh - 380px) * ${width / height}`;
    image.parentElement.style.width = `min(${width}px, calc(${fits}))`;
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    if (old) URL.revokeObjectURL(old);
  };
  show();
  return { image, svg, told, show };
}

function add(parent, name, attributes) {
  const node = document.createElementNS(SVG, name);
  set(node, attributes);
  parent.append(node);
  return node;
}

function set(node, attributes) {
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
}

// Between the pixels of the picture and the numbers on a panel's axes.
function scales({ left, right, top, bottom, xlim, ylim }) {
  const across = (right - left) / (xlim[1] - xlim[0]);
  const up = (bottom - top) / (ylim[1] - ylim[0]);
  return {
    x: (value) => left + (value - xlim[0]) * across,
    y: (value) => bottom - (value - ylim[0]) * up,
    back: ({ x, y }) => [xlim[0] + (x - left) / across, ylim[0] + (bottom - y) / up],
    across,
    box: { x: left, y: top, width: right - left, height: bottom - top },
  };
}

// Where in the picture an event is, however large it is shown.
function spot(event, svg) {
  const point = new DOMPoint(event.clientX, event.clientY);
  return point.matrixTransform(svg.getScreenCTM().inverse());
}

function listen(model, heard) {
  for (const [name, act] of Object.entries(heard)) model.on(name, act);
  return () => {
    for (const [name, act] of Object.entries(heard)) model.off(name, act);
  };
}
