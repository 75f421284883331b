/** What the pack adds to the editor. Each kind of view is a module of views/, listed here. */
import { colors } from "./faces/colors.js";
import { fitting } from "./faces/fitting.js";
import { extend, registerViews } from "./lib/comfy.js";
import { liveNormalView } from "./views/live_normal.js";
import { materialView } from "./views/material.js";
import { tileView } from "./views/tiles.js";

registerViews([materialView, tileView, liveNormalView], []);
extend(fitting);
extend(colors);
