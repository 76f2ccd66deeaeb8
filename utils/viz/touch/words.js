// A text: the word pointed at, or else the chosen one, is framed, and what it looks at is shaded.
const STYLE = `
.course-words { display: flex; flex-wrap: wrap; gap: 0 3px; max-width: 780px; margin: 4px 0;
  font-family: var(--jp-code-font-family, monospace); font-size: 14px; line-height: 1.25; }
.course-words span { padding: 1px 3px; border: 2px solid transparent; border-radius: 3px;
  cursor: pointer; text-align: center; }
body[data-jp-theme-light="false"] .course-words .framed:not(.shaded) {
  border-color: #FF9B72 !important; }
.course-words small { display: block; min-height: 1em; font-size: 10.5px; line-height: 1; }
.course-words + p { margin: 0; min-height: 2.8em; max-width: 780px; line-height: 1.4; }`;
const [SEEN, TOLD] = [0.02, 0.1];

function render({ model, el }) {
  el.innerHTML = `<style>${STYLE}</style><div class="course-words" aria-hidden="true"></div>
    <p aria-hidden="true"></p>`;
  const [text, told] = [el.querySelector("div"), el.querySelector("p")];
  let [spans, weights, pointed, asked] = [[], null, null, 0];

  const read = () => {
    const { buffer, byteOffset, byteLength } = model.get("weights");
    weights = new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength));
    spans = model.get("words").map((word, place) => {
      const span = document.createElement("span");
      span.append(word, document.createElement("small"));
      span.addEventListener("pointerenter", () => point(place));
      span.addEventListener("click", () => choose(place));
      return span;
    });
    pointed = null;
    text.replaceChildren(...spans);
    draw();
  };
  const draw = () => {
    const n = spans.length;
    const from = pointed ?? Math.min(model.get("chosen"), n - 1);
    const shades = model.get("shades");
    spans.forEach((span, place) => {
      const weight = weights[from * n + place];
      const shade = shades[Math.min(shades.length - 1, Math.round(weight * (shades.length - 1)))];
      const [fill, ink] = weight >= SEEN ? shade : ["transparent", "inherit"];
      const frame = place === from ? model.get("inks").frame : fill;
      Object.assign(span.style, { background: fill, color: ink, borderColor: frame });
      span.classList.toggle("shaded", weight >= SEEN);
      span.classList.toggle("framed", place === from);
      span.lastChild.textContent = weight >= TOLD ? weight.toFixed(2).replace(/^0/, "") : "";
    });
    told.textContent = model.get("said")[from] ?? "";
  };
  const point = (place) => {
    pointed = place;
    draw();
  };
  const choose = (place) => {
    model.set("chosen", place);
    model.save_changes();
    draw();
  };
  text.addEventListener("pointerleave", () => point(null));

  // Words, weights and sentences come in one message; they are read when all have arrived.
  const later = () => {
    cancelAnimationFrame(asked);
    asked = requestAnimationFrame(read);
  };
  const heard = { "change:weights": later, "change:words": later, "change:said": later };
  heard["change:chosen"] = draw;
  read();
  const deaf = listen(model, heard);
  return () => {
    cancelAnimationFrame(asked);
    deaf();
  };
}

export default { render };
