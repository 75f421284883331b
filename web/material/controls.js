/** The buttons below a material: shapes, map, tiles, light, seams; each says its key. */
import { h } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { ENVIRONMENTS } from "./environments.js";
import { stepTiles, turnLight } from "./hand.js";
import { icon } from "./icons.js";
import { FIRST_LOOK } from "./material_scene.js";
import { SHAPES } from "./shapes.js";

/** @typedef {any} View a MaterialView of views/material.js */
/** @typedef {import("./material_scene.js").Look} Look */
/** @typedef {import("./textures.js").Material} Material */

/** @param {View} view */
export function controls(view) {
  const shapes = Object.entries(SHAPES).map(([name, { label }], at) =>
    toggle(icon(name), `${t(label)} (${at + 1})`, () => view.look.set({ shape: name }), { "data-shape": name }),
  );
  const map = select(t("What is shown"), (shown) => view.look.set({ shown }));
  const around = select(t("Light from all round"), (environment) => view.look.set({ environment }));
  around.append(...Object.entries(ENVIRONMENTS).map(([name, { label }]) => h("option", { value: name }, t(label))));
  const tiles = h("output", { class: "tw-number tw-material-tiles" }, "1");
  const format = h("button", { type: "button", title: t("How green is read; press to flip it (G)"), onclick: () => view.flipFormat() });
  const seams = toggle(icon("seams"), t("Lines where the texture meets its copy, in the colour of Measure Seams (S)"), () => view.look.set({ seams: !view.look.state.seams }));
  const half = toggle(icon("half"), t("Shift by half a tile: the seam comes into the middle (H)"), () => view.look.set({ half: !view.look.state.half }));
  const relief = slider(t("Displacement, 1 is true"), 0, 3, 0.05, (value) => view.look.set({ relief: value }));
  const exposure = slider(t("Exposure in stops"), -3, 3, 0.1, (value) => view.look.set({ exposure: value }));
  const number = h("span", { class: "tw-number" });
  const batch = h("div", { class: "tw-row tw-material-batch" }, plain("‹", t("Previous material"), () => view.choose(view.chosen - 1)), number, plain("›", t("Next material"), () => view.choose(view.chosen + 1)));
  const dial = lightDial(view);
  const corner = h(
    "div",
    { class: "tw-row tw-material-corner" },
    plain(icon("reset"), t("Everything as at first"), () => view.look.set({ ...FIRST_LOOK, shape: view.look.state.shape })),
    plain(icon("screen"), t("Whole screen (F)"), () => view.fill()),
    plain(icon("save"), t("Save a picture to output"), () => view.save()),
  );
  view.stage.append(dial.root, batch, corner);
  const root = h(
    "div",
    { class: "tw-material-controls" },
    h("div", { class: "tw-row tw-material-group", role: "group", "aria-label": t("Shape") }, ...shapes),
    h("div", { class: "tw-row tw-material-group" }, plain("−", t("Fewer tiles ( [ or wheel )"), () => stepTiles(view, -1)), tiles, plain("+", t("More tiles ( ] or wheel )"), () => stepTiles(view, 1))),
    h("div", { class: "tw-row tw-material-group" }, seams, half, format),
    map,
    around,
    h("label", { class: "tw-row tw-material-slide" }, icon("relief"), relief),
    h("label", { class: "tw-row tw-material-slide" }, icon("sun"), exposure),
  );
  return {
    root,
    /** The maps that the material has. @param {Material} material */
    offer(material) {
      const options = ["material", ...(material.maps.includes("basecolor") ? ["clay"] : []), ...mapsOf(material)];
      map.replaceChildren(...options.map((name) => h("option", { value: name }, t(LABELS[name] ?? name))));
      batch.hidden = view.materials.length < 2;
      number.textContent = `${material.number} / ${material.of}`;
      relief.disabled = !material.files.height;
    },
    /** @param {Look} look @param {{convention: string}} surface */
    show(look, surface) {
      for (const button of shapes) press(button, button.dataset.shape === look.shape);
      press(seams, look.seams);
      press(half, look.half);
      press(format, Boolean(look.format));
      format.textContent = (look.format || surface.convention) === "DirectX" ? "DX" : "GL";
      format.setAttribute("aria-label", t("Normal format {name}", { name: look.format || surface.convention }));
      format.disabled = !view.material?.files.normal;
      tiles.textContent = `${look.tiles} × ${look.tiles}`;
      around.value = look.environment;
      map.value = look.shown;
      if (!map.value) map.value = "material";
      relief.value = look.relief;
      exposure.value = look.exposure;
      dial.show(look.light);
    },
  };
}

/** @type {Record<string, string>} */
const LABELS = { material: "Material", clay: "Clay", basecolor: "Basecolor", normal: "Normal", height: "Height", roughness: "Roughness", metallic: "Metallic", occlusion: "Occlusion", opacity: "Opacity", emissive: "Emissive" };

/** @param {Material} material */
function mapsOf({ maps, files }) {
  const made = files.normal && !maps.includes("normal") ? ["normal"] : [];
  return [...maps, ...made].filter((name) => name !== "opacity" || files.opacity);
}

/** A small ball with the light on it, to drag or to move by the arrow keys. @param {View} view */
function lightDial(view) {
  const dot = h("span", { class: "tw-material-dot" });
  const root = h("button", { type: "button", class: "tw-material-dial", title: t("Drag the light; anywhere in the picture with Shift or the right button"), "aria-label": t("Light: arrow keys move it") }, dot);
  const place = (/** @type {PointerEvent} */ event) => {
    const { left, top, width, height } = root.getBoundingClientRect();
    const [x, y] = [(2 * (event.clientX - left)) / width - 1, (2 * (event.clientY - top)) / height - 1];
    const away = Math.min(1, Math.hypot(x, y));
    view.look.set({ light: { azimuth: Math.atan2(x, y), elevation: Math.acos(away) } });
  };
  const { signal } = view.view;
  root.addEventListener("pointerdown", (event) => {
    root.setPointerCapture(event.pointerId);
    place(event);
  }, { signal });
  root.addEventListener("pointermove", (event) => root.hasPointerCapture(event.pointerId) && place(event), { signal });
  root.addEventListener("keydown", (event) => {
    const [right, up] = { ArrowLeft: [-0.12, 0], ArrowRight: [0.12, 0], ArrowUp: [0, 0.12], ArrowDown: [0, -0.12] }[event.key] ?? [0, 0];
    if (!right && !up) return;
    event.stopPropagation();
    event.preventDefault();
    turnLight(view, right, up);
  }, { signal });
  return {
    root,
    /** @param {{azimuth: number, elevation: number}} light */
    show({ azimuth, elevation }) {
      const away = Math.cos(Math.max(0, elevation));
      dot.style.left = `${50 + 50 * away * Math.sin(azimuth)}%`;
      dot.style.top = `${50 + 50 * away * Math.cos(azimuth)}%`;
    },
  };
}

/** @param {Node} face @param {string} title @param {() => void} onclick @param {Record<string, string>} [more] */
function toggle(face, title, onclick, more = {}) {
  return h("button", { type: "button", title, "aria-label": title, "aria-pressed": "false", onclick, ...more }, face);
}

/** @param {Node | string} face @param {string} title @param {() => void} onclick */
function plain(face, title, onclick) {
  return h("button", { type: "button", title, "aria-label": title, onclick }, face);
}

/** @param {HTMLElement} button @param {boolean} down */
function press(button, down) {
  button.setAttribute("aria-pressed", String(down));
}

/** @param {string} title @param {(value: string) => void} changed */
function select(title, changed) {
  const list = h("select", { title, "aria-label": title });
  list.addEventListener("change", () => changed(list.value));
  return list;
}

/** @param {string} title @param {number} min @param {number} max @param {number} step @param {(value: number) => void} changed @returns {any} */
function slider(title, min, max, step, changed) {
  const range = h("input", { type: "range", min, max, step, title, "aria-label": title });
  range.addEventListener("input", () => changed(Number(range.value)));
  return range;
}
