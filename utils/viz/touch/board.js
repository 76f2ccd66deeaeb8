// A pie that darts are thrown at: a click throws one, and it sticks before the kernel has drawn it.
const STYLE = `.course-over .disc { fill: transparent; cursor: crosshair; }`;

function render({ model, el }) {
  const { svg, told, show } = over({ model, el, style: STYLE });
  const middle = add(svg, "g", {});
  const disc = add(svg, "circle", { class: "disc" });
  let radius = 1;

  const place = () => {
    const panel = scales(model.get("panel"));
    radius = panel.across;
    set(disc, { cx: panel.x(0), cy: panel.y(0), r: radius });
    set(middle, { transform: `translate(${panel.x(0)} ${panel.y(0)})` });
  };
  // A dart: what part of a turn it has gone, clockwise from the top, and how far from the middle.
  const aim = (event) => {
    const { x, y } = spot(event, svg);
    const [across, down] = [x - disc.getAttribute("cx"), y - disc.getAttribute("cy")];
    const part = (Math.atan2(across, -down) / (2 * Math.PI) + 1) % 1;
    return { part, far: Math.min(1, Math.hypot(across, down) / radius), across, down };
  };
  const slice = (part) => {
    let end = 0;
    return model.get("slices").find(([, share]) => (end += share) > part) ?? ["", 0];
  };
  disc.addEventListener("pointermove", (event) => {
    const [word, share] = slice(aim(event).part);
    told.textContent = word && `“${word}”: ${(100 * share).toPrecision(2)} % of the board`;
  });
  disc.addEventListener("pointerleave", () => { told.textContent = ""; });
  disc.addEventListener("click", (event) => {
    const { part, far, across, down } = aim(event);
    add(middle, "circle", { cx: across, cy: down, r: 4, stroke: "white" });
    model.send({ dart: part, far });
  });
  const drawn = () => {
    show();
    place();
    middle.replaceChildren();
  };
  place();
  return listen(model, { "change:value": drawn });
}

export default { render };
