/** A material in the light, in the nodes that have one: drag to turn, drag with Shift for the light, wheel for the tiles. */
import { controls } from "../material/controls.js";
import { CAMERAS, FIRST_LOOK, MaterialScene, freed } from "../material/material_scene.js";
import { followHand } from "../material/hand.js";
import { whyNotShown } from "../material/maps.js";
import { SHAPES } from "../material/shapes.js";
import { openStudio } from "../material/studio.js";
import { loadTextures } from "../material/textures.js";
import { fetchServer, toast } from "../lib/comfy.js";
import { h, toggleFullscreen } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { isLinked } from "../lib/links.js";
import { OnDemand } from "../lib/on_demand.js";
import { Store } from "../lib/store.js";
import { Pace, painted, savedPicture, sharpened } from "../material/canvas.js";

/** @typedef {import("../lib/comfy.js").NodeView} NodeView */
/** @typedef {import("../material/material_scene.js").Look} Look */
/** @typedef {import("../material/textures.js").Material} Material */

const OUTPUT = "tilewright_material"; // the key in what the node gives out

/** @type {import("../lib/comfy.js").ViewKind} */
export const materialView = {
  name: "material_view",
  nodes: ["TilewrightPreviewMaterial", "TilewrightSaveMaterial"],
  width: 420,
  height: 440,
  ownsPictures: true,
  mount(view) {
    const shown = new MaterialView(view);
    return { output: (output) => shown.take(output[OUTPUT]), values: () => shown.follow() };
  },
};

class MaterialView {
  /** @param {NodeView} view */
  constructor(view) {
    this.view = view;
    /** @type {Store<Look>} */
    this.look = new Store({ ...FIRST_LOOK });
    /** @type {Material[]} */
    this.materials = [];
    this.chosen = 0;
    /** @type {MaterialScene | undefined} */
    this.scene = undefined;
    this.loading = 0;
    this.canvas = h("canvas", { class: "tw-material-picture", role: "img" });
    this.empty = h("div", { class: "tw-empty" }, t("Run the workflow to see the material here."));
    this.facts = h("div", { class: "tw-material-facts tw-number", "aria-live": "polite" });
    this.stage = h("div", { class: "tw-material-stage" }, this.canvas, this.empty, this.facts);
    this.controls = controls(this);
    view.root.classList.add("tw-material");
    view.root.append(this.stage, this.controls.root);
    this.look.on((_, changed) => this.#changed(changed), view.signal);
    this.drawing = new OnDemand(this.stage, view.signal, () => this.#draw());
    this.drawing.followSize();
    this.pace = new Pace(view.signal, () => this.redraw());
    followHand(this);
    view.signal.addEventListener("abort", () => this.scene?.dispose(), { once: true });
    this.follow();
  }

  /** What the node gave out, live or from before. @param {unknown} given */
  take(given) {
    const materials = /** @type {Material[] | undefined} */ (given);
    if (!materials?.length || JSON.stringify(materials) === JSON.stringify(this.materials)) return;
    this.materials = materials;
    this.chosen = Math.min(this.chosen, materials.length - 1);
    this.#keep();
    this.#load();
  }

  /** The node's widgets changed, or the workflow was opened with what it remembers. */
  follow() {
    const remembered = this.view.remembered;
    if (remembered && !this.materials.length && remembered.materials?.length) {
      this.look.set({ ...FIRST_LOOK, ...remembered.look });
      this.take(remembered.materials);
    }
    this.redraw();
  }

  /** Which material of a batch is shown. @param {number} index */
  choose(index) {
    this.chosen = (index + this.materials.length) % this.materials.length;
    this.#load();
  }

  get material() {
    return this.materials[this.chosen];
  }

  /** Depth, size and convention as the node's widgets say now; where those are linked, as they were in the run. */
  get surface() {
    const { height_cm = 5, size_cm = 100, convention = "OpenGL" } = this.material ?? {};
    const said = isLinked(this.view.node, "surface"); // by another node, which counts before the widgets
    const now = (/** @type {string} */ name, /** @type {any} */ then) => (isLinked(this.view.node, name) ? then : (this.view.value(name) ?? then));
    return {
      height_cm: said ? height_cm : now("height_cm", height_cm),
      size_cm: said ? size_cm : now("size_cm", size_cm),
      convention: now("convention", convention),
    };
  }

  /** The camera, the shape's own unless it was turned. */
  get camera() {
    return this.look.state.camera ?? CAMERAS[this.look.state.shape];
  }

  /** Green read the other way than the node says, or as it says again. */
  flipFormat() {
    const { convention } = this.surface;
    this.look.set({ format: this.look.state.format ? "" : convention === "DirectX" ? "OpenGL" : "DirectX" });
  }

  /** Draws before the next frame, when it can be seen. */
  redraw() {
    this.drawing.redraw();
  }

  /** Saves what is seen, at 2048 pixels, to ComfyUI's output folder. */
  async save() {
    if (!this.scene) return;
    try {
      const blob = await savedPicture(this.scene, (aspect) => this.#arrange(aspect), this.#background(), this.canvas);
      const body = new FormData();
      body.append("image", blob, `${this.material.maps.includes("basecolor") ? "material" : "surface"}_${this.look.state.shape}.png`);
      body.append("type", "output");
      body.append("subfolder", "material_views");
      const answer = await fetchServer("/upload/image", { method: "POST", body });
      if (!answer.ok) throw new Error(await answer.text());
      const { name, subfolder } = await answer.json();
      toast("success", t("Picture saved"), `output/${subfolder}/${name}`);
    } catch (error) {
      toast("error", t("The picture was not saved"), String(error));
    }
    this.redraw();
  }

  /** The whole screen, and back. */
  fill() {
    toggleFullscreen(this.view.root);
  }

  async #load() {
    const mine = ++this.loading;
    const material = this.material;
    this.empty.hidden = false;
    this.empty.textContent = t("Loading…");
    try {
      const studio = await openStudio();
      const textures = await loadTextures(studio, material, (path) => fetchServer(path));
      if (mine !== this.loading || this.view.signal.aborted) return Object.values(textures).forEach(freed);
      this.scene ??= new MaterialScene(studio, () => this.redraw());
      this.scene.setMaterial(material, textures);
      this.empty.hidden = true;
      this.controls.offer(material);
      this.redraw();
    } catch (error) {
      if (mine !== this.loading) return;
      console.warn("Tilewright:", error);
      this.empty.textContent = whyNotShown(error, t("The material cannot be shown: {why}", { why: String(error) }));
    }
  }

  #draw() {
    this.controls.show(this.look.state, this.surface);
    if (this.scene) this.pace.draw((share) => this.#drawScene(/** @type {MaterialScene} */ (this.scene), share));
  }

  /** @param {MaterialScene} scene @param {number} share of the screen's pixels along a side */
  #drawScene(scene, share) {
    sharpened(this.canvas, share);
    const context = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"));
    painted(context, this.#background());
    this.#arrange(this.canvas.width / this.canvas.height);
    scene.studio.draw(scene, context);
    this.canvas.dataset.drawn = String(Number(this.canvas.dataset.drawn ?? 0) + 1);
    this.#tell();
  }

  /** @param {number} aspect */
  #arrange(aspect) {
    this.scene?.arrange(this.look.state, this.surface, aspect);
  }

  #tell() {
    const { shape, tiles } = this.look.state;
    const { unit, across } = /** @type {MaterialScene} */ (this.scene).studio.shape(shape);
    const { size_cm, height_cm } = this.surface;
    const wide = (across / unit) * tiles * size_cm;
    const scaled = this.material.pixels[0] > this.material.shown[0] ? ` · ${t("shown at {n} px", { n: this.material.shown[0] })}` : "";
    const words = [
      t("{n} tile of {size} | {n} tiles of {size}", { n: tiles, size: length(size_cm) }),
      t("{what} {size} wide", { what: t(SHAPES[shape].label).toLowerCase(), size: length(wide) }),
    ];
    if (this.material.maps.includes("height")) words.push(t("height {size}", { size: length(height_cm) }));
    this.facts.textContent = words.join(" · ") + scaled;
    this.canvas.setAttribute("aria-label", `${t("Material")}: ${this.material.maps.map((name) => t(name)).join(", ")}. ${this.facts.textContent}`);
  }

  #background() {
    const [r, g, b] = (getComputedStyle(this.view.root).color.match(/[\d.]+/g) ?? [255, 255, 255]).map(Number);
    return 0.3 * r + 0.59 * g + 0.11 * b > 128 ? "dark" : "light";
  }

  /** @param {Set<keyof Look>} changed */
  #changed(changed) {
    if (changed.has("shape")) this.look.state.camera = null;
    this.#keep();
    this.redraw();
  }

  #keep() {
    this.view.remember({ look: this.look.state, materials: this.materials });
  }
}

/** @param {number} cm */
function length(cm) {
  const [value, unit] = cm >= 100 ? [cm / 100, "m"] : cm >= 1 ? [cm, "cm"] : [10 * cm, "mm"];
  return `${Number(value.toPrecision(3))} ${unit}`;
}
