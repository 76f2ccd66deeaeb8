// A line among its points, each error as its square, and the same line as a point of the bowl.
const SVG = "http://www.w3.org/2000/svg";
const STYLE = `
.course-bowl { position: relative; max-width: 100%; }
.course-bowl img, .course-bowl svg { display: block; width: 100%; height: auto; }
.course-bowl svg { position: absolute; inset: 0; }
.course-bowl .pull { fill: transparent; cursor: grab; touch-action: none; }
.course-bowl .pull:active { cursor: grabbing; }
.course-bowl + p { margin: 2px 0; font-variant-numeric: tabular-nums; }`;

const add = (parent, name, attributes) => {
  const node = parent.ownerDocument.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  parent.append(node);
  return node;
};

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

const within = (value, [low, high], step) =>
  Math.round(Math.min(high, Math.max(low, value)) / step) * step;

function render({ model, el }) {
  const { width, height } = model.get("size");
  const [points, bowl] = model.get("panels").map(scales);
  const { line: lineInk, mark } = model.get("inks");
  const [xs, ys] = [model.get("x"), model.get("y")];

  el.innerHTML = `<style>${STYLE}</style>
    <div class="course-bowl" style="width: ${width}px" aria-hidden="true">
    <img alt="" width="${width}" height="${height}"></div><p aria-hidden="true"></p>`;
  const image = el.querySelector("img");
  image.src = URL.createObjectURL(new Blob([model.get("ground")], { type: "image/png" }));
  const svg = add(el.querySelector("div"), "svg", { viewBox: `0 0 ${width} ${height}` });
  const name = `points-${model.model_id ?? Math.random().toString(36).slice(2)}`;
  add(add(svg, "clipPath", { id: name }), "rect", points.box);
  const inner = add(svg, "g", { "clip-path": `url(#${name})` });
  const squares = xs.map(() =>
    add(inner, "rect", { fill: mark, "fill-opacity": 0.35, stroke: mark, "stroke-opacity": 0.6 })
  );
  const line = add(inner, "line", { stroke: lineInk, "stroke-width": 2.8 });
  const point = add(svg, "circle", { r: 8, fill: mark, stroke: "white", "stroke-width": 1.5 });
  const pull = add(svg, "rect", { class: "pull", ...bowl.box });

  const draw = () => {
    const [slope, intercept] = [model.get("slope"), model.get("intercept")];
    const at = (x) => slope * x + intercept;
    const ends = model.get("panels")[0].xlim;
    set(line, { x1: points.x(ends[0]), y1: points.y(at(ends[0])) });
    set(line, { x2: points.x(ends[1]), y2: points.y(at(ends[1])) });
    xs.forEach((x, i) => {
      const side = Math.abs(at(x) - ys[i]) * points.across;
      const top = points.y(Math.max(at(x), ys[i]));
      set(squares[i], { x: points.x(x), y: top, width: side, height: side });
    });
    set(point, { cx: bowl.x(slope), cy: bowl.y(intercept) });
    const loss = xs.reduce((sum, x, i) => sum + (at(x) - ys[i]) ** 2, 0) / xs.length;
    const sign = intercept < 0 ? "−" : "+";
    el.querySelector("p").textContent =
      `y = ${slope.toFixed(2)} · x ${sign} ${Math.abs(intercept).toFixed(2)}, loss ${loss.toFixed(3)}`;
  };
  const follow = (event) => {
    const spot = new DOMPoint(event.clientX, event.clientY);
    const [slope, intercept] = bowl.back(spot.matrixTransform(svg.getScreenCTM().inverse()));
    const { xlim, ylim } = model.get("panels")[1];
    model.set("slope", within(slope, xlim, model.get("step")));
    model.set("intercept", within(intercept, ylim, model.get("step")));
    model.save_changes();
  };
  pull.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    pull.setPointerCapture(event.pointerId);
    follow(event);
  });
  pull.addEventListener("pointermove", (event) => {
    if (pull.hasPointerCapture(event.pointerId)) follow(event);
  });
  model.on("change:slope", draw);
  model.on("change:intercept", draw);
  draw();
  return () => {
    URL.revokeObjectURL(image.src);
    model.off("change:slope", draw);
    model.off("change:intercept", draw);
  };
}

function set(node, attributes) {
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
}

export default { render };
