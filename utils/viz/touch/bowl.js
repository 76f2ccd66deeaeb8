// A line among its points, each error as its square, and the same line as a point of the bowl.
const STYLE = `
.course-over .pull { fill: transparent; cursor: grab; touch-action: none; }
.course-over .pull:active { cursor: grabbing; }`;

const within = (value, [low, high], step) =>
  Math.round(Math.min(high, Math.max(low, value)) / step) * step;

function render({ model, el }) {
  const { image, svg, told, show } = over({ model, el, style: STYLE });
  const { line: ink, mark } = model.get("inks");
  const [xs, ys] = [model.get("x"), model.get("y")];
  const name = `points-${Math.random().toString(36).slice(2)}`;
  const frame = add(add(svg, "clipPath", { id: name }), "rect", {});
  const inner = add(svg, "g", { "clip-path": `url(#${name})` });
  const square = { fill: mark, "fill-opacity": 0.35, stroke: mark, "stroke-opacity": 0.6 };
  const squares = xs.map(() => add(inner, "rect", square));
  const line = add(inner, "line", { stroke: ink, "stroke-width": 2.8 });
  const point = add(svg, "circle", { r: 8, fill: mark, stroke: "white", "stroke-width": 1.5 });
  const pull = add(svg, "rect", { class: "pull" });
  let [points, bowl] = [];

  const place = () => {
    [points, bowl] = model.get("panels").map(scales);
    set(frame, points.box);
    set(pull, bowl.box);
    draw();
  };
  const draw = () => {
    const [slope, intercept] = [model.get("slope"), model.get("intercept")];
    const at = (x) => slope * x + intercept;
    const [from, to] = model.get("panels")[0].xlim;
    set(line, { x1: points.x(from), y1: points.y(at(from)) });
    set(line, { x2: points.x(to), y2: points.y(at(to)) });
    xs.forEach((x, i) => {
      const side = Math.abs(at(x) - ys[i]) * points.across;
      const top = points.y(Math.max(at(x), ys[i]));
      set(squares[i], { x: points.x(x), y: top, width: side, height: side });
    });
    set(point, { cx: bowl.x(slope), cy: bowl.y(intercept) });
    const loss = xs.reduce((sum, x, i) => sum + (at(x) - ys[i]) ** 2, 0) / xs.length;
    const sign = intercept < 0 ? "−" : "+";
    told.textContent =
      `y = ${slope.toFixed(2)} · x ${sign} ${Math.abs(intercept).toFixed(2)}, loss ${loss.toFixed(3)}`;
    image.alt = told.textContent;
  };
  const follow = (event) => {
    const [slope, intercept] = bowl.back(spot(event, svg));
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
  place();
  const heard = { "change:slope": draw, "change:intercept": draw };
  return listen(model, { ...heard, "change:panels": place, "change:value": show });
}

export default { render };
