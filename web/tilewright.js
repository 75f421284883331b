/** The pack's views in the editor: each kind is a module of views/, listed here. */
import { registerViews } from "./lib/comfy.js";

registerViews([], []);
