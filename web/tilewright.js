/** What the pack adds to the editor. Each kind of view is a module of views/, listed here. */
import { colors } from "./faces/colors.js";
import { fitting } from "./faces/fitting.js";
import { picker } from "./faces/picker.js";
import { extend, registerViews } from "./lib/comfy.js";
import { editCaptions } from "./views/captions/node.js";
import { liveNormalView } from "./views/live_normal.js";
import { materialView } from "./views/material.js";
import { tileView } from "./views/tiles.js";

registerViews([editCaptions, materialView, tileView, liveNormalView], []);
extend(picker); // before the next: its button is a widget to fit
extend(fitting);
extend(colors);
