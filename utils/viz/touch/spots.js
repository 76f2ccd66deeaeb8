// A picture with places that can be clicked, each of which moves a control.
const STYLE = `
.course-over .spot { fill: transparent; stroke: transparent; stroke-width: 2; cursor: pointer; }
.course-over .spot:hover { stroke: #0072B2; stroke-dasharray: 4 3; }`;

function render({ model, el }) {
  const { svg, told, show } = over({ model, el, style: STYLE });
  told.remove();
  const place = () => {
    const spots = model.get("spots").map(({ box, control, value }) => {
      const spot = add(svg, "rect", { class: "spot", rx: 3, ...box });
      spot.addEventListener("click", () => model.send({ control, value }));
      return spot;
    });
    svg.replaceChildren(...spots);
  };
  place();
  return listen(model, { "change:value": show, "change:spots": place });
}

export default { render };
