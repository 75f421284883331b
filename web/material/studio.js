/**
 * One WebGL context for all views of materials: browsers keep few of them alive. Each view has a plain 2D canvas, into
 * which the picture is copied when something changed; nothing is drawn otherwise.
 */
import { buildEnvironment } from "./environments.js";
import { SHAPES } from "./shapes.js";

const THREE_FILE = "../vendor/three-0.187.0.mjs";
const EXPOSURE = 1.15; // white in the studio's light is just below white on the screen

/** @typedef {any} Three the vendored module */
/**
 * @typedef {object} Drawn what can be drawn
 * @property {any} scene
 * @property {any} camera
 * @property {number} exposure in stops
 * @property {() => void} restored after the graphics card lost all that it held
 */

/** @type {Promise<Studio> | undefined} */
let opened;

/** The studio, opened by the first view. @returns {Promise<Studio>} */
export function openStudio() {
  opened ??= importThree().then((THREE) => new Studio(THREE));
  opened.catch(() => (opened = undefined)); // a view that is opened later tries again
  return opened;
}

/** ComfyUI has a three.js of its own; each would complain of the other, though they never meet. @returns {Promise<Three>} */
async function importThree() {
  const page = /** @type {{__THREE__?: string}} */ (window);
  const theirs = page.__THREE__;
  page.__THREE__ = "";
  try {
    return await import(THREE_FILE);
  } finally {
    if (theirs) page.__THREE__ = theirs;
  }
}

export class Studio {
  /** @param {Three} THREE */
  constructor(THREE) {
    this.THREE = THREE;
    const canvas = document.createElement("canvas");
    this.renderer = new THREE.WebGLRenderer({ canvas, antialias: true, alpha: true });
    this.renderer.outputColorSpace = THREE.SRGBColorSpace;
    this.renderer.toneMapping = THREE.NeutralToneMapping;
    this.renderer.shadowMap.enabled = true;
    this.renderer.shadowMap.type = THREE.PCFShadowMap;
    this.renderer.setClearColor(0x000000, 0);
    this.largest = Math.min(4096, this.renderer.capabilities.maxTextureSize);
    this.anisotropy = this.renderer.capabilities.getMaxAnisotropy();
    const { extensions } = this.renderer;
    this.smoothFloats = extensions.has("OES_texture_float_linear") && extensions.has("EXT_color_buffer_float");
    this.isSoftware = isSoftware(this.renderer.getContext());
    this.lost = false;
    /** @type {Set<Drawn>} */
    this.views = new Set();
    /** @type {Map<string, any>} */
    this.environments = new Map();
    /** @type {Map<string, import("./shapes.js").Shape>} */
    this.shapes = new Map();
    canvas.addEventListener("webglcontextlost", (event) => {
      event.preventDefault(); // else it never comes back
      this.lost = true;
    });
    canvas.addEventListener("webglcontextrestored", () => this.#restore());
  }

  /** The light that comes from all round, by its name. @param {string} name */
  environment(name) {
    const known = this.environments.get(name);
    if (known) return known.texture;
    const generator = new this.THREE.PMREMGenerator(this.renderer);
    const scene = buildEnvironment(this.THREE, name);
    const target = generator.fromScene(scene, 0.015);
    generator.dispose();
    this.environments.set(name, target);
    return target.texture;
  }

  /** A shape by its name, built when it is first asked for. @param {string} name a key of `SHAPES` */
  shape(name) {
    const shape = this.shapes.get(name) ?? (SHAPES[name] ?? SHAPES.plane).build(this.THREE, this.isSoftware ? 0.45 : 1);
    this.shapes.set(name, shape);
    return shape;
  }

  /**
   * Draws into a 2D canvas, over what `background` has painted there.
   * @param {Drawn} drawn @param {CanvasRenderingContext2D} context
   */
  draw(drawn, context) {
    if (this.lost) return;
    const { width, height } = context.canvas;
    this.renderer.setSize(width, height, false);
    this.renderer.toneMappingExposure = EXPOSURE * 2 ** drawn.exposure;
    this.renderer.render(drawn.scene, drawn.camera);
    context.drawImage(this.renderer.domElement, 0, 0);
  }

  #restore() {
    this.lost = false;
    for (const target of this.environments.values()) target.dispose();
    this.environments.clear();
    for (const view of this.views) view.restored();
  }
}

/** Whether the processor draws in place of a graphics card: a hundred times slower. @param {WebGL2RenderingContext} gl */
function isSoftware(gl) {
  const info = gl.getExtension("WEBGL_debug_renderer_info");
  return info !== null && /swiftshader|llvmpipe|software|basic render/i.test(gl.getParameter(info.UNMASKED_RENDERER_WEBGL));
}
