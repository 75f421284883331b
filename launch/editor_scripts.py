"""What `workflows` and `blueprints` run in the page of ComfyUI's editor: JavaScript functions for `Page.evaluate`."""

# Makes the nodes of an API-format graph.
LOAD = """async ([prompt, name]) => {
  await app.loadApiJson(prompt, name);
  for (const node of app.graph.nodes)
    for (const widget of node.widgets ?? [])
      if (widget.name === "control_after_generate") widget.value = "fixed";
}"""

# Folds the nodes of each step into a subgraph, with the widgets that matter on it.
FOLD = """async folds => {
  for (const { title, members, widgets, names = [] } of folds) {
    const nodes = members.map(id => app.graph.getNodeById(Number(id)));
    const { subgraph, node } = app.graph.convertToSubgraph(new Set(nodes));
    node.title = subgraph.name = title;
    node.color = "#323232"; // a little darker than the editor's own: its letters stand out by 4.5 : 1
    const slots = subgraph.nodes.flatMap(inner => inner.inputs);
    const fed = new Set(node.inputs.filter(input => input.link != null).map(input => input.name));
    for (const input of [...subgraph.inputs]) {  // widgets that the editor puts on it by itself
      const widgets = input.linkIds.every(id => slots.some(slot => slot.link === id && slot.widget));
      if (widgets && !fed.has(input.name)) subgraph.removeInput(input);
    }
    for (const { id, name, label } of widgets) {
      const inner = subgraph.getNodeById(Number(id));
      const slot = inner.inputs.find(input => input.widget?.name === name);
      if (!slot) throw new Error(`${title}: node ${id} has no widget ${name}`);
      const input = subgraph.inputs.find(one => one.name === label) ?? subgraph.addInput(label, slot.type);
      input.connect(slot, inner);
    }
    for (const { id, name, label } of names) {
      const inner = subgraph.getNodeById(Number(id));
      const [input, output] = [inner.inputs, inner.outputs].map(slots => slots.find(slot => slot.name === name));
      if (!input && !output) throw new Error(`${title}: node ${id} has no socket ${name}`);
      (input ?? output).label = label;
      const from = input && subgraph.links.get(input.link);
      if (from?.origin_id === subgraph.inputNode.id) subgraph.renameInput(subgraph.inputs[from.origin_slot], label);
      const ends = ((!input && output?.links) || []).map(link => subgraph.links.get(link));
      const out = ends.find(link => link.target_id === subgraph.outputNode.id);
      if (out) subgraph.renameOutput(subgraph.outputs[out.target_slot], label);
    }
    const about = { outputs: ["origin_id", "renameOutput"], inputs: ["target_id", "renameInput"] };
    for (const [side, [end, rename]] of Object.entries(about)) {  // "image" and "image_1" do not tell what they are
      const plain = socket => socket.name.replace(/_\\d+$/, "").toLowerCase();
      const all = subgraph[side].filter(socket => !socket._widget);
      for (const socket of all.filter(one => all.some(other => other !== one && plain(other) === plain(one)))) {
        const [inner] = socket.linkIds.map(id => subgraph.getNodeById(subgraph.links.get(id)[end]));
        subgraph[rename](socket, `${plain(socket)}: ${inner.title}`);
      }
    }
  }
}"""

# Opens the graph as a person does: which widgets a node shows follows the values that it is opened with.
REOPEN = """async () => {
  const { id } = app.graph;
  await app.loadGraphData(JSON.parse(JSON.stringify(app.graph.serialize())), true, false);
  app.graph.id = id; // a graph without one was given one of its own
}"""

# All nodes with their sizes and what feeds them; those inside subgraphs by their path, with the subgraph's own sockets.
MEASURE = """async () => {
  const read = (graph, prefix) => {
    const sockets = { in: graph.inputNode, out: graph.outputNode };
    const output = id => {
      const { origin_id, origin_slot } = graph.links.get(id);
      const from = graph.inputNode && String(origin_id) === String(graph.inputNode.id) ? "in" : origin_id;
      return [`${prefix}${from}`, origin_slot];
    };
    const nodes = graph.nodes.flatMap(node => {
      const [width, height] = node.computeSize();
      const long = node.widgets?.some(widget => widget.options?.multiline);
      const own = {
        id: prefix + node.id, type: node.type, inside: prefix,
        sources: (node.inputs ?? []).filter(input => input.link != null).map(input => output(input.link)),
        size: [Math.max(width, 300), height + (long ? 60 : 0)],
      };
      return [own, ...(node.subgraph ? read(node.subgraph, `${prefix}${node.id}:`) : [])];
    });
    const ends = Object.entries(sockets).filter(([, node]) => node).map(([name, node]) => {
      node.arrange();
      const sources = name === "in" ? [] : node.slots.flatMap(slot => slot.linkIds).map(output);
      return { id: prefix + name, type: name, inside: prefix, sources, size: [...node.size] };
    });
    return [...nodes, ...ends];
  };
  return read(app.graph, "");
}"""

# The heights of all nodes as Nodes 2.0 open them, once the widgets have come, which a busy machine takes its time for.
MEASURE_VUE = (
    f"async () => {{ const reopen = {REOPEN};"
    + """
  const settings = app.extensionManager.setting;
  const wait = ms => new Promise(resolve => setTimeout(resolve, ms));
  const read = () => Object.fromEntries([...document.querySelectorAll("[data-node-id]")]
    .map(element => [element.dataset.nodeId, element.offsetHeight]));
  await settings.set("Comfy.VueNodes.Enabled", true);
  await reopen();
  app.canvas.ds.fitToBounds?.([-500, -500, 6000, 4000], {});
  let sizes = {};
  for (let same = 0, tries = 0; same < 8; tries++) {
    if (tries > 240) throw new Error("The nodes' heights in Nodes 2.0 go on changing.");
    await wait(250);
    const now = read();
    const complete = app.graph.nodes.every(({ id }) => now[id] > 0);
    same = complete && JSON.stringify(now) === JSON.stringify(sizes) ? same + 1 : 0;
    sizes = now;
  }
  await settings.set("Comfy.VueNodes.Enabled", false);
  await wait(500);
  return sizes;
}"""
)

# Puts each node where it belongs, and links that run above others on their way.
_ARRANGE = """({ places, sizes, routes }) => {
  const graphOf = path => path.split(":").slice(0, -1)
    .reduce((graph, id) => graph.getNodeById(Number(id)).subgraph, app.graph);
  const own = path => path.split(":").at(-1);
  const sockets = graph => ({ in: graph.inputNode, out: graph.outputNode });
  for (const [path, place] of Object.entries(places)) {
    const graph = graphOf(path), ends = sockets(graph)[own(path)];
    const node = ends ?? graph.getNodeById(Number(own(path)));
    node.pos = place;
    if (!ends) node.setSize(sizes[path]);
  }
  for (const { output: [path, slot], start, ends } of routes) {
    const graph = graphOf(path), from = sockets(graph)[own(path)];
    const id = String(from ? from.id : own(path));
    const links = [...graph.links.values()].filter(link => String(link.origin_id) === id && link.origin_slot === slot);
    const leadTo = names => links.filter(link => names.some(name =>
      String(sockets(graph)[own(name)]?.id ?? own(name)) === String(link.target_id)));
    let parentId;
    const turn = (pos, names) => {
      const linkIds = leadTo(names).map(link => link.id);
      const reroute = graph.setReroute({ id: graph.state.lastRerouteId + 1, parentId, pos, linkIds });
      parentId = reroute.id;
    };
    turn(start, ends.flatMap(([, names]) => names));
    ends.forEach(([pos, names], at) => {
      turn(pos, ends.slice(at).flatMap(([, more]) => more));
      for (const link of leadTo(names)) link.parentId = parentId;
    });
  }
}"""

PLACE = f"""async ({{ note, ...layout }}) => {{
  ({_ARRANGE})(layout);
  if (note.text) {{
    const node = LiteGraph.createNode("MarkdownNote");
    Object.assign(node, note.colors, {{ title: "Read me" }});
    app.graph.add(node);
    node.pos = note.pos;
    node.setSize(note.size);
    node.widgets[0].value = note.text;
  }}
  const {{ output }} = await app.graphToPrompt();
  app.graph.extra = {{ tilewright: {{ first_view: true }} }}; // web/first_view.js opens it where it can be read
  // As the editor saves it: playwright would hand over null for what is undefined.
  return {{ graph: JSON.parse(JSON.stringify(app.graph.serialize())), prompt: output }};
}}"""

# Names the sockets between the graph's one subgraph and the nodes beside it.
NAME_SOCKETS = """outside => {
  const { links } = app.graph;
  const node = app.graph.nodes.find(one => one.subgraph);
  const { subgraph } = node;
  for (const [id, name] of Object.entries(outside).filter(([, name]) => name)) {
    const input = node.inputs.findIndex(one => links.get(one.link)?.origin_id == id);
    if (input >= 0) subgraph.renameInput(subgraph.inputs[input], name);
    const output = node.outputs.findIndex(one => one.links?.some(link => links.get(link).target_id == id));
    if (output >= 0) subgraph.renameOutput(subgraph.outputs[output], name);
  }
}"""

# The graph with nothing in it but its one subgraph, as ComfyUI keeps blueprints.
ONLY_SUBGRAPH = f"""({{ about, ...layout }}) => {{
  for (const node of [...app.graph.nodes]) {{
    if (!node.subgraph) app.graph.remove(node);
    else {{ // wide enough for its title, with room for two lines more in each text box
      node.pos = [0, 0];
      const texts = (node.widgets ?? []).filter(widget => widget.options?.multiline || widget.element).length;
      node.setSize([320, node.computeSize()[1] + 60 * texts]);
    }}
  }}
  ({_ARRANGE})(layout);
  Object.assign(app.graph.extra, about);
  return JSON.parse(JSON.stringify(app.graph.serialize()));
}}"""
