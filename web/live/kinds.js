/** What there is live of a node: which input it is made of, which of its widgets count, and what it gives out. */

/**
 * @typedef {object} Kind
 * @property {string} input @property {string[]} widgets @property {string[]} pictures its outputs
 * @property {string} hint what to do where there is nothing to show
 * @property {string} [channel] the widget that says which channel of the image is asked for
 * @property {boolean} [debands] it smooths the stair-steps of few bits, if its widget says so
 * @property {number} [most] pixels of the longer side; larger ones are halved until they have no more, as long as their sides are even
 * @property {(settings: any) => string} [flaw] what to change where the node refuses its settings, "" where it takes them
 */

const SURFACE = ["height_cm", "size_cm"];
const HEIGHT = "Connect a height from Load Map, Load Image or Height from Image, or run the workflow once.";
const IMAGE = "Connect an image from Load Image or Load Map, or run the workflow once.";

/** @type {Record<string, Kind>} */
export const KINDS = {
  TilewrightHeightToNormal: {
    input: "height",
    widgets: ["convention", "method", "axes", ...SURFACE, "strength", "invert", "smooth_cm"],
    pictures: ["normal"],
    hint: HEIGHT,
    debands: true,
  },
  TilewrightHeightFromImage: {
    input: "image",
    widgets: ["invert", "axes", "flatten", "flatten_radius", "fine", "medium", "large", "clip", "black", "white", "gamma"],
    pictures: ["height"],
    hint: IMAGE,
    channel: "source",
    flaw: ({ black, white }) => (black < white ? "" : "Set black below white."),
  },
  TilewrightOcclusion: {
    input: "height",
    widgets: ["axes", "convention", ...SURFACE, "radius_cm", "slices"],
    pictures: ["occlusion", "bent_normal"],
    hint: HEIGHT,
    most: 1024,
  },
  TilewrightCurvature: {
    input: "height",
    widgets: ["axes", ...SURFACE, "smooth_cm", "full_radius_cm"],
    pictures: ["curvature", "convexity", "concavity", "cavity"],
    hint: HEIGHT,
  },
};

/** Names of pictures as buttons have them. @type {Record<string, string>} */
export const LABELS = { occlusion: "Occlusion", bent_normal: "Bent normal", curvature: "Curvature", convexity: "Convexity", concavity: "Concavity", cavity: "Cavity" };
