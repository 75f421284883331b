/**
 * The shapes that a material lies on. `unit` is how wide one tile is in the shape's own units at one tile across; `hold`,
 * 1 on the surface and 0 where sheets with other texture coordinates meet, keeps displacement from tearing the shape.
 */

/** @typedef {import("./studio.js").Three} Three */
/**
 * @typedef {object} Shape
 * @property {any} geometry
 * @property {number} unit width of a tile
 * @property {number} across width of the whole
 * @property {number} floor height of the ground below it
 * @property {number} grid vertices along a tile
 * @property {boolean} thin whether it is seen from both sides
 */

const TURN = 2 * Math.PI;

/** @type {Record<string, {label: string, build: (THREE: Three, detail: number) => Shape}>} */
export const SHAPES = {
  plane: { label: "Plane", build: plane },
  sphere: { label: "Sphere", build: sphere },
  cube: { label: "Cube", build: cube },
  rounded: { label: "Rounded cube", build: roundedCube },
  cloth: { label: "Cloth", build: cloth },
};

/** @param {Three} THREE @param {number} detail of the mesh, 1 in full @returns {Shape} */
function plane(THREE, detail) {
  const grid = Math.round(512 * detail);
  const geometry = new THREE.PlaneGeometry(2.4, 2.4, grid, grid).rotateX(-Math.PI / 2);
  return finished(THREE, geometry, () => 1, { unit: 2.4, across: 2.4, floor: -0.6, grid, thin: false });
}

/** @param {Three} THREE @param {number} detail of the mesh, 1 in full @returns {Shape} */
function sphere(THREE, detail) {
  const grid = Math.round(360 * detail);
  const geometry = new THREE.SphereGeometry(1, 2 * grid, grid).rotateY(Math.PI / 2);
  const { uv, position } = geometry.attributes;
  for (let at = 0; at < uv.count; at += 1) uv.setX(at, 2 * uv.getX(at)); // two tiles round the equator to one from pole to pole
  const hold = (/** @type {number} */ at) => smoothstep(0, 0.14, Math.hypot(position.getX(at), position.getZ(at)));
  return finished(THREE, geometry, hold, { unit: Math.PI, across: 2, floor: -1, grid, thin: false });
}

/** @param {Three} THREE @param {number} detail of the mesh, 1 in full @returns {Shape} */
function cube(THREE, detail) {
  const side = 1.45;
  const grid = Math.round(224 * detail);
  const geometry = new THREE.BoxGeometry(side, side, side, grid, grid, grid);
  return finished(THREE, geometry, nearEdge(geometry, 0.02), { unit: side, across: side, floor: -side / 2, grid, thin: false });
}

/** @param {Three} THREE @param {number} detail of the mesh, 1 in full @returns {Shape} */
function roundedCube(THREE, detail) {
  const side = 1.5;
  const grid = Math.round(240 * detail);
  const radius = 0.26;
  const geometry = new THREE.BoxGeometry(side, side, side, grid, grid, grid);
  const hold = nearEdge(geometry, 0.035);
  const { position, normal } = geometry.attributes;
  const inside = side / 2 - radius;
  for (let at = 0; at < position.count; at += 1) {
    const place = [position.getX(at), position.getY(at), position.getZ(at)].map((value) => rounded(value, inside, radius));
    const kept = place.map((value) => Math.max(-inside, Math.min(inside, value)));
    const out = place.map((value, axis) => value - kept[axis]);
    const length = Math.hypot(...out);
    normal.setXYZ(at, ...out.map((value) => value / length));
    position.setXYZ(at, ...out.map((value, axis) => kept[axis] + (radius * value) / length));
  }
  return finished(THREE, geometry, hold, { unit: side, across: side, floor: -side / 2, grid, thin: false });
}

/** Beyond `inside`, even steps become even steps of the angle, so that the texture is not squeezed where the edge turns. */
function rounded(/** @type {number} */ value, /** @type {number} */ inside, /** @type {number} */ radius) {
  const beyond = Math.abs(value) - inside;
  return beyond <= 0 ? value : Math.sign(value) * (inside + radius * Math.tan((beyond / radius) * (Math.PI / 4)));
}

/**
 * A square of cloth over a ball: along the ball first, then hanging. What it has too much of all round falls into folds,
 * as deep as the length that has to go somewhere.
 * @param {Three} THREE @param {number} detail of the mesh, 1 in full @returns {Shape}
 */
function cloth(THREE, detail) {
  const side = 3.1;
  const grid = Math.round(420 * detail);
  const geometry = new THREE.PlaneGeometry(side, side, grid, grid).rotateX(-Math.PI / 2);
  const { position } = geometry.attributes;
  for (let at = 0; at < position.count; at += 1) {
    position.setXYZ(at, ...draped(position.getX(at), position.getZ(at)));
  }
  geometry.computeVertexNormals();
  return finished(THREE, geometry, () => 1, { unit: side, across: side, floor: -0.98, grid, thin: true });
}

/** @param {number} x @param {number} z @returns {[number, number, number]} */
function draped(x, z) {
  const ball = 0.78;
  const slant = 1.3; // radians down the ball, where the cloth leaves it
  const length = Math.hypot(x, z);
  const angle = Math.atan2(z, x);
  const along = Math.min(length, ball * slant);
  const hanging = length - along;
  const radius = ball * Math.sin(along / ball) + hanging * Math.cos(slant);
  const height = ball * Math.cos(along / ball) - hanging * Math.sin(slant);
  const folds = 9;
  const uneven = angle + 0.16 * Math.sin(2 * angle + 0.6) + 0.1 * Math.sin(3 * angle + 2.1);
  const spare = Math.max(0, length / Math.max(radius, 1e-6) - 1.12);
  const depth = ((1.55 * radius) / folds) * Math.sqrt(spare) * smoothstep(0, 0.5, length - 0.62);
  const fold = Math.cos(folds * uneven) + 0.25 * Math.cos(2 * folds * uneven + 1.3) * smoothstep(0.9, 1.6, length);
  const out = radius + depth * fold;
  return [out * Math.cos(angle), height + 0.24, out * Math.sin(angle)];
}

/** @param {any} geometry @param {number} width of the strip along each face's edge, in texture coordinates */
function nearEdge(geometry, width) {
  const { uv } = geometry.attributes;
  return (/** @type {number} */ at) => {
    const [u, v] = [uv.getX(at), uv.getY(at)];
    return smoothstep(0, width, Math.min(u, 1 - u, v, 1 - v));
  };
}

/**
 * @param {Three} THREE @param {any} geometry @param {(at: number) => number} hold
 * @param {Omit<Shape, "geometry">} facts @returns {Shape}
 */
function finished(THREE, geometry, hold, facts) {
  const values = Float32Array.from({ length: geometry.attributes.position.count }, (_, at) => hold(at));
  geometry.setAttribute("hold", new THREE.BufferAttribute(values, 1));
  geometry.computeTangents();
  geometry.computeBoundingSphere();
  return { geometry, ...facts };
}

/** @param {number} from @param {number} to @param {number} value */
function smoothstep(from, to, value) {
  const share = Math.max(0, Math.min(1, (value - from) / (to - from)));
  return share * share * (3 - 2 * share);
}

/** The place on a unit ball for an azimuth and a height over the horizon, in radians. @param {number} azimuth @param {number} elevation @returns {[number, number, number]} */
export function onBall(azimuth, elevation) {
  const flat = Math.cos(elevation);
  return [flat * Math.sin(azimuth % TURN), Math.sin(elevation), flat * Math.cos(azimuth % TURN)];
}
