/** What the pack adds to the editor. Each kind of view is a module of views/, listed here. */
import { colors } from "./faces/colors.js";
import { fitting } from "./faces/fitting.js";
import { extend, registerViews } from "./lib/comfy.js";

registerViews([], []);
extend(fitting);
extend(colors);
