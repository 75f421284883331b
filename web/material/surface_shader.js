/**
 * What is added to three's own material: displacement that is held at a shape's edges, the lines where a texture meets its
 * own copy, and the maps as they are instead of the lit surface.
 */

/** Map by map: the number that the shader knows each by. 0 is the lit material. */
export const SHOWN = { material: 0, basecolor: 1, normal: 2, height: 3, roughness: 4, metallic: 5, occlusion: 6, opacity: 7, emissive: 8 };

const VERTEX_HEAD = `#include <common>
  attribute float hold;
  uniform vec4 tile;
  uniform float heightLevel;
  varying vec2 tileUv;`;

const DISPLACE = `tileUv = uv * tile.xy + tile.zw;
  #ifdef USE_DISPLACEMENTMAP
    transformed += normalize(objectNormal) * hold * displacementScale * (textureLod(displacementMap, tileUv, heightLevel).x - 0.5);
  #endif`;

const FRAGMENT_HEAD = `#include <common>
  varying vec2 tileUv;
  uniform int shownMap;
  uniform sampler2D shownTexture;
  uniform vec2 heightRange;
  uniform float seams;
  uniform vec3 seamColorX, seamColorY;`;

const SHOW = `if (shownMap > 0) {
    vec4 raw = texture2D(shownTexture, tileUv);
    vec3 plain = raw.rgb;
    if (shownMap == 1 || shownMap == 8) plain = sRGBTransferOETF(raw).rgb;
    if (shownMap == 3) plain = vec3((raw.r - heightRange.x) / max(heightRange.y - heightRange.x, 1e-6));
    if (shownMap == 4) plain = vec3(raw.g);
    if (shownMap == 5) plain = vec3(raw.b);
    if (shownMap == 6 || shownMap == 7) plain = vec3(raw.r);
    gl_FragColor = vec4(plain, 1.0);
  }
  if (seams > 0.0) {
    vec2 away = abs(fract(tileUv + 0.5) - 0.5) / max(fwidth(tileUv), vec2(1e-6));
    vec2 line = 1.0 - smoothstep(vec2(seams * 0.5), vec2(seams * 0.5 + 1.0), away);
    gl_FragColor.rgb = mix(gl_FragColor.rgb, seamColorX, line.x);
    gl_FragColor.rgb = mix(gl_FragColor.rgb, seamColorY, line.y);
  }
  #include <dithering_fragment>`;

/** @param {any} THREE the uniforms that a surface and its shadow share */
export function surfaceUniforms(THREE) {
  return {
    tile: { value: new THREE.Vector4(1, 1, 0, 0) },
    heightLevel: { value: 0 },
    shownMap: { value: 0 },
    shownTexture: { value: null },
    heightRange: { value: new THREE.Vector2(0, 1) },
    seams: { value: 0 },
    seamColorX: { value: new THREE.Color(1, 1, 1) },
    seamColorY: { value: new THREE.Color(1, 1, 1) },
  };
}

/** @param {any} material of three's own @param {Record<string, {value: any}>} uniforms @param {boolean} isShadow */
export function extendShader(material, uniforms, isShadow = false) {
  material.onBeforeCompile = (/** @type {any} */ shader) => {
    Object.assign(shader.uniforms, uniforms);
    shader.vertexShader = shader.vertexShader
      .replace("#include <common>", VERTEX_HEAD)
      .replace("#include <displacementmap_vertex>", DISPLACE);
    if (isShadow) return;
    shader.fragmentShader = shader.fragmentShader
      .replace("#include <common>", FRAGMENT_HEAD)
      .replace("#include <dithering_fragment>", SHOW);
  };
  material.customProgramCacheKey = () => (isShadow ? "tilewright shadow" : "tilewright surface");
}
