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
  for (const { title, members, widgets } of folds) {
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
  }
}"""

# Opens the graph as a person does: which widgets a node shows follows the values that it is opened with.
REOPEN = """async () => {
  const { id } = app.graph;
  await app.loadGraphData(JSON.parse(JSON.stringify(app.graph.serialize())), true, false);
  app.graph.id = id; // a graph without one was given one of its own
}"""

# The sizes of all nodes in both renderers, and the nodes that feed each of them; those inside subgraphs by their path.
MEASURE = """async () => {
  const read = (graph, prefix) => graph.nodes.flatMap(node => {
    const [width, height] = node.computeSize();
    const long = node.widgets?.some(widget => widget.options?.multiline);
    const sources = (node.inputs ?? []).map(input => graph.links.get(input.link)?.origin_id)
      .filter(id => id !== undefined && graph.getNodeById(id));
    const own = {
      id: prefix + node.id, type: node.type, inside: prefix, sources: sources.map(id => prefix + id),
      size: [Math.max(width, 300), height + (long ? 60 : 0)],
    };
    return [own, ...(node.subgraph ? read(node.subgraph, `${prefix}${node.id}:`) : [])];
  });
  return read(app.graph, "");
}"""

# The heights of all nodes in Nodes 2.0, once the widgets have come, which a busy machine takes its time for.
MEASURE_VUE = """async () => {
  const settings = app.extensionManager.setting;
  const wait = ms => new Promise(resolve => setTimeout(resolve, ms));
  const read = () => Object.fromEntries([...document.querySelectorAll("[data-node-id]")]
    .map(element => [element.dataset.nodeId, element.offsetHeight]));
  await settings.set("Comfy.VueNodes.Enabled", true);
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

PLACE = """async ({ places, sizes, note }) => {
  const find = path => path.split(":").reduce(
    ({ graph }, part) => { const node = graph.getNodeById(Number(part)); return { node, graph: node?.subgraph }; },
    { graph: app.graph },
  ).node;
  for (const [path, place] of Object.entries(places)) {
    const node = find(path);
    node.pos = place;
    node.setSize(sizes[path]);
  }
  if (note.text) {
    const node = LiteGraph.createNode("MarkdownNote");
    Object.assign(node, note.colors, { title: "Read me" });
    app.graph.add(node);
    node.pos = note.pos;
    node.setSize(note.size);
    node.widgets[0].value = note.text;
  }
  const { output } = await app.graphToPrompt();
  app.graph.extra = { tilewright: { first_view: true } }; // web/first_view.js opens it where it can be read
  // As the editor saves it: playwright would hand over null for what is undefined.
  return { graph: JSON.parse(JSON.stringify(app.graph.serialize())), prompt: output };
}"""

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
ONLY_SUBGRAPH = """({ places, sizes, about }) => {
  for (const node of [...app.graph.nodes]) {
    if (!node.subgraph) app.graph.remove(node);
    else node.pos = [0, 0];
  }
  for (const [path, place] of Object.entries(places)) {
    const [outer, inner] = path.split(":").map(Number);
    const node = app.graph.getNodeById(outer).subgraph.getNodeById(inner);
    node.pos = place;
    node.setSize(sizes[path]);
  }
  Object.assign(app.graph.extra, about);
  return JSON.parse(JSON.stringify(app.graph.serialize()));
}"""
