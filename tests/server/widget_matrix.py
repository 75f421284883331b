"""What every view in a node must outlive, in both ways that the editor draws nodes: one page, many checks.

`Matrix(page, renderer, node, view).run()` is the whole of it; each method is one row and may be called alone.
"""

from dataclasses import dataclass, field

from playwright.sync_api import Page

RENDERERS = ["classic", "Nodes 2.0"]
TOAST = ".p-toast-message, [data-testid=toast]"  # as editors up to 1.47 and those from 1.58 on call it
LOADED = (
    "!!(window.app?.extensionManager?.workflow?.activeWorkflow"
    " && window.LiteGraph?.registered_node_types?.TilewrightDemoModel)"
)
_LIB = "const lib = await import(new URL('extensions/tilewright/lib/comfy.js', location.href).href);"


def in_page(page, body, given=None):
    """Run JavaScript that knows `lib` (lib/comfy.js), `given` and `frame()`, which waits until things are drawn."""
    draw = "const frame = () => new Promise(done => requestAnimationFrame(() => setTimeout(done, 60)));"
    return page.evaluate(f"async given => {{ {_LIB} {draw} {body} }}", given)


def use_renderer(page: Page, renderer: str) -> None:
    """Draw nodes on the canvas ("classic") or as DOM ("Nodes 2.0")."""
    wanted = renderer != "classic"
    page.evaluate("wanted => app.extensionManager.setting.set('Comfy.VueNodes.Enabled', wanted)", wanted)
    page.wait_for_function("wanted => !!LiteGraph.vueNodesMode === wanted", arg=wanted)


def speak(page: Page, language: str) -> None:
    """Load the page anew in another language, such as "zh"."""
    page.evaluate("async language => await app.extensionManager.setting.set('Comfy.Locale', language)", language)
    page.wait_for_timeout(500)
    page.reload(timeout=120_000)
    page.wait_for_function(LOADED, timeout=60_000)


@dataclass
class Matrix:
    """node: a class; view: the name of its view; values: widget values that differ from their defaults."""

    page: Page
    renderer: str
    node: str
    view: str
    values: dict = field(default_factory=dict)

    def run(self) -> None:
        """Every row."""
        use_renderer(self.page, self.renderer)
        self.put()
        self.shows()
        self.is_no_value()
        self.saves_and_loads()
        self.collapses()
        self.keeps_its_width_beside_the_panel()
        self.zooms()
        self.is_copied()
        self.switches_tabs()
        self.goes_into_a_subgraph()
        self.leaves_nothing_behind()

    def put(self) -> None:
        """An empty graph with the node in its middle."""
        in_page(
            self.page,
            """app.graph.clear(); app.canvas.ds.reset(); await frame();
            const node = app.graph.add(LiteGraph.createNode(given.node));
            node.pos = [420, 120];
            for (const one of node.widgets) if (one.name in given.values) one.value = given.values[one.name];
            app.canvas.setDirty(true, true); await frame();""",
            {"node": self.node, "values": self.values},
        )

    def box(self):
        """The view's place on the screen and the node's, in px; None where it is not drawn."""
        return in_page(
            self.page,
            """await frame();
            const view = lib.liveViews().find(view => view.node.type === given.node && view.kind.name === given.view
              && view.node.graph === app.canvas.graph);
            if (!view || !view.root.isConnected || !view.root.checkVisibility({ opacityProperty: true })) return null;
            const { x, y, width, height } = view.root.getBoundingClientRect();
            const bounds = view.node.getBounding(), scale = app.canvas.ds.scale;
            return { x, y, width, height, least: view.kind.height * scale, node: bounds[2] * scale, filled:
              view.root.childNodes.length > 0 };""",
            {"node": self.node, "view": self.view},
        )

    def wait_for(self, shown=True):
        for _ in range(40):
            box = self.box()
            if bool(box) == shown:
                return box
        raise AssertionError(f"the view {'does not appear' if shown else 'does not go'} in {self.renderer}")

    def shows(self) -> None:
        box = self.wait_for()
        assert box["filled"] and box["height"] >= box["least"] - 1, box
        assert 0.7 * box["node"] <= box["width"] <= box["node"] + 1, box

    def is_no_value(self) -> None:
        """The view is the last widget, and neither the prompt nor the workflow knows of it."""
        told = in_page(
            self.page,
            """const node = app.graph.nodes.at(-1);
            const { output, workflow } = await app.graphToPrompt();
            return { last: node.widgets.at(-1).name, prompt: Object.keys(output[node.id].inputs),
              saved: (workflow.nodes.at(-1).widgets_values ?? []).length, widgets: node.widgets.length };""",
        )
        assert told["last"] == self.view
        assert self.view not in told["prompt"]
        assert told["saved"] < told["widgets"]

    def saves_and_loads(self) -> None:
        """Save, load, save: the same widget values and the same API file."""
        same = in_page(
            self.page,
            """const first = await app.graphToPrompt();
            const kept = node => node.widgets.filter(one => one.serialize !== false);
            const values = node => kept(node).map(one => [one.name, one.value]);
            const before = values(app.graph.nodes.at(-1));
            await app.loadGraphData(JSON.parse(JSON.stringify(first.workflow))); await frame();
            const second = await app.graphToPrompt();
            return [[first.output, second.output], [before, values(app.graph.nodes.at(-1))],
              [first.workflow.nodes.at(-1).widgets_values, second.workflow.nodes.at(-1).widgets_values]];""",
        )
        for before, after in same:
            assert before == after
        assert {name: value for name, value in same[1][1] if name in self.values} == self.values
        self.shows()

    def collapses(self) -> None:
        in_page(self.page, "app.graph.nodes.at(-1).collapse(true); app.canvas.setDirty(true, true); await frame();")
        self.wait_for(shown=False)
        in_page(self.page, "app.graph.nodes.at(-1).collapse(true); app.canvas.setDirty(true, true); await frame();")
        self.shows()

    def keeps_its_width_beside_the_panel(self) -> None:
        before = self.wait_for()["width"]
        panel = self.page.get_by_test_id("properties-panel")
        for shown in (True, False):
            in_page(
                self.page,
                """app.canvas.selectNode(app.graph.nodes.at(-1)); await frame();
                const toggles = [...document.querySelectorAll("button:has([class*='lucide--panel-right'])")];
                toggles.find(one => one.checkVisibility()).click(); await frame();""",
            )
            panel.wait_for(state="visible" if shown else "hidden", timeout=10_000)
            assert abs(self.wait_for()["width"] - before) < 2
        in_page(self.page, "app.canvas.deselectAll();")

    def zooms(self) -> None:
        """Zoomed far out the classic canvas hides it; drawn again it is whole."""
        in_page(self.page, "app.canvas.ds.changeScale(0.2); app.canvas.setDirty(true, true); await frame();")
        if self.renderer == "classic":
            self.wait_for(shown=False)
        in_page(self.page, "app.canvas.ds.reset(); app.canvas.setDirty(true, true); await frame();")
        self.shows()

    def is_copied(self) -> None:
        """The copy has a view of its own, and the first keeps its."""
        apart = in_page(
            self.page,
            """const before = lib.liveViews().length;
            app.canvas.selectNode(app.graph.nodes.at(-1));
            app.canvas.copyToClipboard(); app.canvas.pasteFromClipboard(); await frame();
            const own = view => view.node.type === given.node && view.kind.name === given.view;
            const views = lib.liveViews().filter(own);
            const apart = new Set(views.map(view => view.root)).size;
            const copy = app.graph.nodes.at(-1);
            const values = node => node.widgets.filter(one => one.serialize !== false).map(one => one.value);
            const same = JSON.stringify(values(copy)) === JSON.stringify(values(app.graph.nodes.at(-2)));
            app.graph.remove(copy); await frame();
            return [apart, same, lib.liveViews().length - before];""",
            {"node": self.node, "view": self.view},
        )
        assert apart == [2, True, 0]
        self.shows()

    def switches_tabs(self) -> None:
        """Another workflow's tab and back: the view is mounted anew, with nothing left of the old one."""
        in_page(self.page, "await app.extensionManager.command.execute('Comfy.NewBlankWorkflow'); await frame();")
        self.page.wait_for_function("app.graph.nodes.length === 0")
        assert in_page(self.page, "return lib.liveViews().length;") == 0
        in_page(
            self.page, "await app.extensionManager.command.execute('Workspace.PreviousOpenedWorkflow'); await frame();"
        )
        self.page.wait_for_function("app.graph.nodes.length > 0")
        in_page(self.page, "app.canvas.ds.reset(); app.canvas.setDirty(true, true); await frame();")
        self.shows()

    def reloads(self, shown="true") -> None:
        """The page anew, as in the middle of a run: the workflow is the browser's draft, the view comes back with it.

        shown: JavaScript that is true of `view` once it shows what it showed before.
        """
        in_page(self.page, "app.extensionManager.workflow.activeWorkflow.changeTracker.checkState();")
        self.page.wait_for_timeout(1500)  # the frontend keeps drafts a moment after a change
        self.page.reload(timeout=120_000)
        self.page.wait_for_function(LOADED, timeout=60_000)
        self.page.wait_for_function("app.graph.nodes.length > 0")
        self.page.wait_for_function(
            f"""async given => {{ {_LIB}
            const view = lib.liveViews().find(view => view.kind.name === given); return view && ({shown}); }}""",
            arg=self.view,
        )
        in_page(self.page, "app.canvas.ds.reset(); app.canvas.setDirty(true, true); await frame();")
        self.shows()

    def goes_into_a_subgraph(self) -> None:
        in_page(
            self.page,
            """const { subgraph, node } = app.graph.convertToSubgraph(new Set([app.graph.nodes.at(-1)]));
            await frame(); app.canvas.openSubgraph(subgraph, node); await frame();
            app.canvas.ds.reset(); app.canvas.setDirty(true, true);""",
        )
        self.shows()
        located = in_page(
            self.page,
            """const view = lib.liveViews().find(view => view.kind.name === given);
            return [lib.locatorOf(view.node), view.node.graph.id];""",
            self.view,
        )
        assert located[0].startswith(f"{located[1]}:")
        in_page(self.page, "app.canvas.setGraph(app.rootGraph); await frame();")

    def leaves_nothing_behind(self) -> None:
        """Nodes put in and deleted leave no view, no element and no listener of the window or the server."""
        left = in_page(
            self.page,
            """app.graph.clear(); app.graph.remove(app.graph.add(LiteGraph.createNode(given)));
            await frame(); await frame();
            const { api } = await import(new URL('scripts/api.js', location.href).href);
            const targets = [window, document, document.body, api];
            let balance = 0;
            const undo = targets.map(target => {
              const { addEventListener: add, removeEventListener: remove } = target;
              const ours = () => /tilewright/.test(new Error().stack.split("\\n").slice(2).join());
              target.addEventListener = function (type, listener, options) {
                if (ours()) {
                  balance += 1;
                  options?.signal?.addEventListener("abort", () => (balance -= 1), { once: true });
                }
                return add.call(this, type, listener, options);
              };
              target.removeEventListener = function (type, listener, options) {
                if (ours()) balance -= 1;
                return remove.call(this, type, listener, options);
              };
              return () => { delete target.addEventListener; delete target.removeEventListener; };
            });
            for (let i = 0; i < 3; i++) {
              const node = app.graph.add(LiteGraph.createNode(given)); node.pos = [420, 120];
              await frame(); app.graph.remove(node); await frame();
            }
            undo.forEach(one => one());
            const elements = document.querySelectorAll(".tilewright-view").length;
            return { views: lib.liveViews().length, elements, balance };""",
            self.node,
        )
        assert left == {"views": 0, "elements": 0, "balance": 0}
