/** Light from all round, built of bright surfaces: no picture has to be shipped or fetched. */

/** @typedef {import("./studio.js").Three} Three */

/**
 * A bright rectangle: where it stands, its size, how bright and of which colour it is. It faces the middle.
 * @typedef {{at: [number, number, number], size: [number, number], light: number, color?: number}} Panel
 */

/** @type {Record<string, {label: string, top: number, middle: number, bottom: number, ground: number, panels: Panel[]}>} */
export const ENVIRONMENTS = {
  studio: {
    label: "Studio",
    top: 0x8f949c,
    middle: 0x50545b,
    bottom: 0x1c1d20,
    ground: 0.9,
    panels: [
      { at: [-4.5, 5, 3.5], size: [4.5, 4.5], light: 9, color: 0xfff4e6 },
      { at: [6, 2.2, 2.5], size: [2.2, 6], light: 5, color: 0xe6f0ff },
      { at: [0, 3, -7], size: [9, 1.6], light: 6 },
      { at: [-7, 1, -3], size: [1.2, 6], light: 4, color: 0xdfe9ff },
      { at: [0, 8, 0], size: [5, 2], light: 4 },
    ],
  },
  daylight: {
    label: "Daylight",
    top: 0x4f86d8,
    middle: 0xcfe0f2,
    bottom: 0x6b6258,
    ground: 1.25,
    panels: [{ at: [-5, 6, 4], size: [1.8, 1.8], light: 40, color: 0xfff0d2 }],
  },
  overcast: { label: "Overcast", top: 0xf2f5fa, middle: 0xbfc6cf, bottom: 0x55524e, ground: 1.15, panels: [] },
  evening: {
    label: "Evening",
    top: 0x263455,
    middle: 0xc79a7c,
    bottom: 0x2e282a,
    ground: 1.3,
    panels: [
      { at: [-7, 1.1, 2], size: [3.2, 1.6], light: 18, color: 0xff9a4d },
      { at: [5, 4, -5], size: [6, 3], light: 1.6, color: 0x7d9cff },
    ],
  },
};

/** @param {Three} THREE @param {string} name a key of `ENVIRONMENTS` */
export function buildEnvironment(THREE, name) {
  const { top, middle, bottom, ground, panels } = ENVIRONMENTS[name] ?? ENVIRONMENTS.studio;
  const scene = new THREE.Scene();
  scene.add(dome(THREE, top, middle, bottom, ground));
  for (const panel of panels) scene.add(brightPanel(THREE, panel));
  return scene;
}

/** @param {Three} THREE @param {number} top @param {number} middle @param {number} bottom @param {number} light */
function dome(THREE, top, middle, bottom, light) {
  const uniforms = Object.fromEntries(
    Object.entries({ top, middle, bottom }).map(([name, color]) => [name, { value: new THREE.Color(color).multiplyScalar(light) }]),
  );
  const vertexShader = "varying vec3 place; void main() { place = position; gl_Position = projectionMatrix * modelViewMatrix * vec4(position, 1.0); }";
  const fragmentShader = `varying vec3 place; uniform vec3 top, middle, bottom;
    void main() {
      float up = normalize(place).y;
      vec3 above = mix(middle, top, pow(max(up, 0.0), 0.6));
      gl_FragColor = vec4(mix(above, bottom, smoothstep(0.0, -0.22, up)), 1.0);
    }`;
  const material = new THREE.ShaderMaterial({ uniforms, vertexShader, fragmentShader, side: THREE.BackSide, depthWrite: false });
  return new THREE.Mesh(new THREE.SphereGeometry(20, 48, 32), material);
}

/** @param {Three} THREE @param {Panel} panel */
function brightPanel(THREE, { at, size, light, color = 0xffffff }) {
  const material = new THREE.MeshBasicMaterial({ color: new THREE.Color(color).multiplyScalar(light), side: THREE.DoubleSide });
  const mesh = new THREE.Mesh(new THREE.PlaneGeometry(...size), material);
  mesh.position.set(...at);
  mesh.lookAt(0, 0, 0);
  return mesh;
}
