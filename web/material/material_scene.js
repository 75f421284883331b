/** One material on one shape in one light, ready to be drawn by the studio. */
import { onBall } from "./shapes.js";
import { SHOWN, extendShader, surfaceUniforms } from "./surface_shader.js";

/** @typedef {import("./studio.js").Studio} Studio */
/** @typedef {import("./textures.js").Material} Material */
/**
 * What a person has set; it is kept with the workflow.
 * @typedef {object} Look
 * @property {string} shape
 * @property {number} tiles along the width
 * @property {string} shown "material", "clay" or the name of a map
 * @property {string} environment
 * @property {{azimuth: number, elevation: number}} light radians
 * @property {{azimuth: number, elevation: number, distance: number} | null} camera null: the shape's own
 * @property {number} relief displacement, 1 is true
 * @property {number} exposure stops
 * @property {boolean} seams lines where the texture meets its copy
 * @property {boolean} half shifted by half a tile
 * @property {string} format "" as the node says, else "OpenGL" or "DirectX"
 */

/** @type {Look} */
export const FIRST_LOOK = {
  shape: "sphere",
  tiles: 2,
  shown: "material",
  environment: "studio",
  light: { azimuth: -0.9, elevation: 0.8 },
  camera: null,
  relief: 1,
  exposure: 0,
  seams: false,
  half: false,
  format: "",
};

/** @type {Record<string, {azimuth: number, elevation: number, distance: number}>} */
export const CAMERAS = {
  plane: { azimuth: 0.5, elevation: 0.62, distance: 6.3 },
  sphere: { azimuth: 0.3, elevation: 0.2, distance: 4.9 },
  cube: { azimuth: 0.62, elevation: 0.42, distance: 5.4 },
  rounded: { azimuth: 0.62, elevation: 0.42, distance: 5.4 },
  cloth: { azimuth: 0.35, elevation: 0.34, distance: 5.6 },
};

const SOFTBOX = -0.9; // azimuth of the brightest part of every environment
const VERDICTS = { seamless: 0x45c46a, doubtful: 0xf2bf1a, seam: 0xff3b30, "nothing to measure": 0xffffff };
const CLAY = 0xb9b4ad;

export class MaterialScene {
  /** @param {Studio} studio @param {() => void} restored */
  constructor(studio, restored) {
    const { THREE } = studio;
    this.studio = studio;
    this.restored = restored;
    this.exposure = 0;
    this.scene = new THREE.Scene();
    this.camera = new THREE.PerspectiveCamera(28, 1, 0.1, 60);
    this.uniforms = surfaceUniforms(THREE);
    this.material = new THREE.MeshStandardMaterial({ side: THREE.DoubleSide });
    this.shadow = new THREE.MeshDepthMaterial();
    extendShader(this.material, this.uniforms);
    extendShader(this.shadow, this.uniforms, true);
    this.mesh = new THREE.Mesh(new THREE.BufferGeometry(), this.material);
    this.mesh.castShadow = this.mesh.receiveShadow = true;
    this.mesh.customDepthMaterial = this.shadow;
    this.sun = sunWithShadow(THREE, studio.isSoftware ? 1024 : 2048);
    this.ground = new THREE.Mesh(new THREE.PlaneGeometry(14, 14).rotateX(-Math.PI / 2), fadingShadow(THREE));
    this.ground.receiveShadow = true;
    this.scene.add(this.mesh, this.sun, this.sun.target, this.ground);
    /** @type {Record<string, any>} */
    this.textures = {};
    /** @type {Material | undefined} */
    this.facts = undefined;
    this.wasClay = false;
    studio.views.add(this);
  }

  /** @param {Material} facts @param {Record<string, any>} textures which the scene owns from now on */
  setMaterial(facts, textures) {
    for (const texture of Object.values(this.textures)) freed(texture);
    this.textures = textures;
    this.facts = facts;
    this.#wear();
  }

  /** @param {Look} look @param {{height_cm: number, size_cm: number, convention: string}} surface as the node's widgets are now @param {number} aspect width of the picture over its height */
  arrange(look, surface, aspect) {
    const shape = this.studio.shape(look.shape);
    this.mesh.geometry = shape.geometry;
    this.#setTiles(look, shape);
    this.#setRelief(look, surface, shape);
    this.#setShown(look);
    this.#setLight(look, shape);
    this.#setCamera(look, aspect);
    this.exposure = look.exposure;
  }

  dispose() {
    this.studio.views.delete(this);
    for (const texture of Object.values(this.textures)) freed(texture);
    this.textures = {};
    for (const part of [this.material, this.shadow, this.ground.geometry, this.ground.material, this.sun.shadow]) part.dispose();
  }

  #wear() {
    const { textures, material, shadow, facts } = this;
    const packed = (/** @type {string} */ name) => (facts?.maps.includes(name) ? textures.packed : null);
    material.map = textures.basecolor ?? null;
    material.normalMap = textures.normal ?? null;
    material.roughnessMap = packed("roughness") ?? null;
    material.metalnessMap = packed("metallic") ?? null;
    material.aoMap = packed("occlusion") ?? null;
    material.emissiveMap = textures.emissive ?? null;
    material.roughness = material.roughnessMap ? 1 : 0.6;
    material.metalness = material.metalnessMap ? 1 : 0;
    material.emissive.set(material.emissiveMap ? 0xffffff : 0x000000);
    for (const part of [material, shadow]) {
      part.displacementMap = textures.height ?? null;
      part.alphaMap = textures.opacity ?? null;
      part.alphaTest = textures.opacity ? 0.5 : 0;
    }
    material.needsUpdate = shadow.needsUpdate = true;
    material.alphaToCoverage = Boolean(textures.opacity);
    this.uniforms.heightRange.value.set(facts?.low ?? 0, facts?.high ?? 1);
  }

  /** @param {Look} look @param {import("./shapes.js").Shape} shape */
  #setTiles({ tiles, half, seams }, shape) {
    const { facts, textures, uniforms } = this;
    const [columns, rows] = facts?.pixels ?? [1, 1];
    const [across, down, shift] = [tiles, (tiles * columns) / rows, half ? 0.5 : 0];
    uniforms.tile.value.set(across, down, shift, shift);
    for (const texture of Object.values(textures)) {
      texture.repeat.set(across, down);
      texture.offset.set(shift, shift);
    }
    const texels = (textures.height?.image.width ?? 1) * tiles;
    uniforms.heightLevel.value = this.studio.smoothFloats ? Math.max(0, Math.log2(texels / shape.grid)) : 0;
    uniforms.seams.value = seams ? 1.4 : 0;
    uniforms.seamColorX.value.setHex(verdictColor(facts?.seams.x), this.studio.THREE.LinearSRGBColorSpace);
    uniforms.seamColorY.value.setHex(verdictColor(facts?.seams.y), this.studio.THREE.LinearSRGBColorSpace);
  }

  /** @param {Look} look @param {{height_cm: number, size_cm: number, convention: string}} surface @param {import("./shapes.js").Shape} shape */
  #setRelief({ relief, tiles, format }, surface, shape) {
    const { facts, material, shadow } = this;
    const rise = (relief * surface.height_cm * shape.unit) / (surface.size_cm * tiles);
    for (const part of [material, shadow]) part.displacementScale = rise;
    if (!facts) return;
    const made = facts.height_cm / facts.size_cm; // normals of the height were made for this; the others are what they are
    const steeper = facts.derived && made > 0 ? surface.height_cm / surface.size_cm / made : 1;
    const written = facts.derived ? facts.convention : surface.convention;
    material.normalScale.set(steeper, (format || written) === "DirectX" ? -steeper : steeper);
  }

  /** @param {Look} look */
  #setShown({ shown }) {
    const { material, textures, uniforms } = this;
    const texture = textures[["roughness", "metallic", "occlusion"].includes(shown) ? "packed" : shown];
    const isMap = shown in SHOWN && shown !== "material" && Boolean(texture);
    uniforms.shownMap.value = isMap ? SHOWN[/** @type {keyof typeof SHOWN} */ (shown)] : 0;
    uniforms.shownTexture.value = isMap ? texture : null;
    const clay = shown === "clay";
    material.map = clay ? null : (textures.basecolor ?? null);
    material.metalness = clay || !material.metalnessMap ? 0 : 1;
    material.color.set(clay ? CLAY : textures.basecolor ? 0xffffff : 0xc8c8c8);
    if (this.wasClay !== clay) material.needsUpdate = true;
    this.wasClay = clay;
  }

  /** @param {Look} look @param {import("./shapes.js").Shape} shape */
  #setLight({ light, environment, shape: name }, shape) {
    this.scene.environment = this.studio.environment(environment);
    this.scene.environmentRotation.set(0, light.azimuth - SOFTBOX, 0);
    this.scene.environmentIntensity = 1.1;
    const [x, y, z] = onBall(light.azimuth, light.elevation);
    this.sun.position.set(6 * x, 6 * y, 6 * z);
    this.sun.intensity = light.elevation > -0.1 ? 3.1 : 0;
    this.ground.position.y = shape.floor - 0.02;
    this.ground.visible = name !== "plane";
  }

  /** @param {Look} look @param {number} aspect */
  #setCamera({ camera, shape }, aspect) {
    const { azimuth, elevation, distance } = camera ?? CAMERAS[shape] ?? CAMERAS.sphere;
    const [x, y, z] = onBall(azimuth, elevation);
    const away = distance * Math.max(1, 1.05 / aspect);
    this.camera.position.set(away * x, away * y, away * z);
    this.camera.lookAt(0, shape === "plane" ? 0 : -0.05, 0);
    this.camera.aspect = aspect;
    this.camera.updateProjectionMatrix();
  }
}

/** @param {string | undefined} verdict */
function verdictColor(verdict) {
  return VERDICTS[/** @type {keyof typeof VERDICTS} */ (verdict)] ?? 0xffffff;
}

/** @param {any} texture */
export function freed(texture) {
  texture.source?.data?.close?.(); // a bitmap's memory does not wait for the garbage collector
  texture.dispose();
}

/** Of the shape on the ground, gone a little way off: the light that one sees comes from all round. @param {import("./studio.js").Three} THREE */
function fadingShadow(THREE) {
  const material = new THREE.ShadowMaterial({ opacity: 0.4 });
  material.onBeforeCompile = (/** @type {any} */ shader) => {
    shader.vertexShader = shader.vertexShader
      .replace("#include <common>", "#include <common>\nvarying vec2 place;")
      .replace("#include <begin_vertex>", "#include <begin_vertex>\nplace = position.xz;");
    shader.fragmentShader = shader.fragmentShader
      .replace("#include <common>", "#include <common>\nvarying vec2 place;")
      .replace("#include <fog_fragment>", "gl_FragColor.a *= 1.0 - smoothstep(0.7, 2.6, length(place));");
  };
  return material;
}

/** @param {import("./studio.js").Three} THREE @param {number} shadowSize pixels */
function sunWithShadow(THREE, shadowSize) {
  const sun = new THREE.DirectionalLight(0xfff6ea, 2.6);
  sun.castShadow = true;
  sun.shadow.mapSize.setScalar(shadowSize);
  Object.assign(sun.shadow.camera, { left: -2.6, right: 2.6, top: 2.6, bottom: -2.6, near: 1, far: 12 });
  sun.shadow.bias = -0.0006;
  sun.shadow.normalBias = 0.012;
  sun.shadow.radius = 6;
  return sun;
}
