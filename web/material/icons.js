/** Drawings for buttons, 16 by 16, in the colour of the text. */

const SVG = "http://www.w3.org/2000/svg";

/** @type {Record<string, string>} paths, stroked */
const PATHS = {
  plane: "M1.5 9.5 8 6l6.5 3.5L8 13z",
  sphere: "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 1 0 8 1.8M2.2 9.4c3 2 8.600 2 11.600 0",
  cube: "M8 1.800 13.600 4.900v6.200L8 14.200l-5.600-3.100V4.900zM2.400 4.900 8 8l5.600-3.100M8 8v6.200",
  rounded: "M4.800 1.800h6.400a3 3 0 0 1 3 3v6.400a3 3 0 0 1-3 3H4.800a3 3 0 0 1-3-3V4.800a3 3 0 0 1 3-3M5 5h5",
  cloth: "M8 2.200c2.600 0 3.800 2 4.300 4.500l1.500 6.100-2.300-1.400-1.800 2.400L8 11.600l-1.700 2.200-1.800-2.400-2.300 1.400 1.500-6.100C4.200 4.200 5.400 2.200 8 2.200",
  seams: "M8 1.500v13M1.500 8h13M1.500 1.500h13v13h-13z",
  half: "M1.500 1.500h13v13h-13zM4 8h8M9.500 5.500 12 8l-2.500 2.500",
  relief: "M1 12.500 5 5.500l2.600 4 2-3 5.400 6z",
  sun: "M8 5a3 3 0 1 0 0 6 3 3 0 1 0 0-6M8 1v1.500M8 13.500V15M1 8h1.500M13.500 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1",
  reset: "M3 8a5 5 0 1 0 1.600-3.700M4.600 1.800v2.700h2.700",
  screen: "M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4",
  save: "M8 2v8M4.800 7 8 10.200 11.200 7M2.500 12.800v1.200h11v-1.200",
};

/** @param {string} name a key of `PATHS` @returns {SVGElement} */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  for (const [key, value] of Object.entries({ viewBox: "0 0 16 16", width: "16", height: "16", fill: "none", stroke: "currentColor", "stroke-width": "1.3", "stroke-linejoin": "round", "stroke-linecap": "round", "aria-hidden": "true" })) svg.setAttribute(key, value);
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}
