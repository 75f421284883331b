/** What the pack adds to the editor. Each kind of view is a module of views/, listed here. */
import { colors } from "./faces/colors.js";
import { fitting } from "./faces/fitting.js";
import { picker } from "./faces/picker.js";
import { addSidebarTab, extend, registerViews } from "./lib/comfy.js";
import { BADGES } from "./views/badges.js";
import { editCaptions } from "./views/captions/node.js";
import { datasetPreview } from "./views/captions/preview.js";
import { gridPickerView } from "./views/grid_picker.js";
import { liveMapsView, liveNormalView } from "./views/live_maps.js";
import { materialView } from "./views/material.js";
import { tileView } from "./views/tiles.js";
import { trainingView } from "./views/training.js";
import { trainingsTab } from "./views/trainings_tab.js";

registerViews([BADGES, editCaptions, datasetPreview, materialView, tileView, liveMapsView, liveNormalView, trainingView, gridPickerView], ["tilewright.run"]);
extend(picker); // before the next: its button is a widget to fit
extend(fitting);
extend(colors);
extend({ name: "tilewright.trainings", setup: () => addSidebarTab(trainingsTab) });
