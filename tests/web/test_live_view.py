"""What live maps do when links and settings change; the page has stand-ins for the editor and its server."""


def test_a_link_that_is_cut_made_or_bypassed_is_followed(play):
    played = play("""
      const loader = nodeOf("LoadImage");
      const node = nodeOf("TilewrightOcclusion", "height", loader);
      const view = mount(node);
      await saying(view, "Live: as the node will make it");
      node.link(undefined);
      await saying(view, "Connect a height");
      const emptied = view.canvas.getContext("2d").getImageData(0, 0, 16, 8).data.some(Boolean);
      node.link(loader);
      await saying(view, "Live: as the node will make it");
      loader.mode = 4;
      await saying(view, "Connect a height");
      view.output({ [OUTPUT]: [toldOf(16, 8)] });
      await saying(view, "of the last run's input");
      return emptied;
    """)
    assert played is False


def test_a_height_of_other_proportions_is_drawn_in_its_own(play):
    shapes = play("""
      const loader = nodeOf("LoadImage");
      const view = mount(nodeOf("TilewrightOcclusion", "height", loader));
      await until(view.drawn);
      const shapes = [];
      for (const next of [[8, 40], [30, 2], [7, 7]]) {
        size = next;
        loader.widgets[0].value = `${next}.png`;
        for (let time = 0; time < 20; time += 1) {
          view.values();
          view.root.style.width = `${280 + time}px`;  // drawn anew while the new one is on its way
          await new Promise((done) => setTimeout(done, 10));
        }
        await until(() => view.root.querySelector(".tw-material-facts").textContent.startsWith(next.join(" × ")));
        shapes.push([view.canvas.width, view.canvas.height]);
      }
      return shapes;
    """)
    assert shapes == [[8, 40], [30, 2], [7, 7]]


def test_settings_that_the_node_refuses_are_told_of_here_and_in_the_nodes_that_follow(play):
    play("""
      const loader = nodeOf("LoadImage");
      const first = nodeOf("TilewrightHeightFromImage", "image", loader);
      const [height, occlusion] = [mount(first), mount(nodeOf("TilewrightOcclusion", "height", first))];
      await saying(occlusion, "Live: as the node will make it");
      height.set("black", 1);
      for (const view of [height, occlusion]) await saying(view, "Set black below white.");
      height.set("black", 0.2);
      for (const view of [height, occlusion]) await saying(view, "Live: as the node will make it");
    """)


def test_steps_that_only_the_node_smooths_are_told_of(play):
    play("""
      const image = nodeOf("TilewrightHeightFromImage", "image", nodeOf("LoadImage"));
      const before = mount(image);
      const view = mount(nodeOf("TilewrightHeightToNormal", "height", image));
      await until(view.drawn);
      await saying(view, "Live: as the node will make it");
      view.set("deband", true);
      await saying(view, "not debanded here, but by the node");
    """)


def test_what_the_worker_could_not_do_stays_to_be_read(play):
    said = play("""
      const node = nodeOf("TilewrightHeightToNormal", "height", nodeOf("LoadImage"));
      const view = mount(node);
      await until(view.drawn);
      view.set("method", "no such method");
      await saying(view, "The map cannot be shown");
      view.values();
      await new Promise((done) => setTimeout(done, 1700));  // it has been looked at again
      const said = view.says();
      view.set("method", "scharr");
      await saying(view, "Live: as the node will make it");
      return said;
    """)
    assert said.startswith("The map cannot be shown: ") and len(said) > 30


def test_a_height_that_was_made_smaller_is_said_to_be(play):
    said = play("""
      size = [2048, 4];
      const view = mount(nodeOf("TilewrightOcclusion", "height", nodeOf("LoadImage")));
      await saying(view, "made of a smaller height");
      return [view.says(), view.root.querySelector(".tw-material-facts").textContent];
    """)
    assert said == ["made of a smaller height", "2048 × 4 px · shown at 1024 px"]


def test_a_widget_that_changes_nothing_of_a_picture_does_not_draw_it(play):
    drawn = play("""
      const nodes = ["TilewrightOcclusion", "TilewrightHeightToNormal"];
      const [one, other] = nodes.map((type) => mount(nodeOf(type, "height", nodeOf("LoadImage"))));
      for (const view of [one, other]) await saying(view, "Live: as the node will make it");
      await new Promise((done) => setTimeout(done, 300));  // what it says has its room now
      const before = [one.drawn(), other.drawn()];
      one.set("radius_cm", 9);
      await until(() => one.drawn() > before[0]);
      await new Promise((done) => setTimeout(done, 300));
      return other.drawn() - before[1];
    """)
    assert drawn == 0


def test_a_loader_or_a_channel_whose_widget_is_linked_is_not_taken_at_its_word(play):
    asked, told = play("""
      const { questionOf } = await import("/web/live/questions.js");
      const { differences } = await import("/web/live/differences.js");
      const { KINDS } = await import("/web/live/kinds.js");
      const loader = nodeOf("LoadImage");
      const node = nodeOf("TilewrightHeightFromImage", "image", loader);
      const kind = KINDS.TilewrightHeightFromImage;
      const asked = [questionOf(node, kind)];
      loader.inputs = [{ name: "image", widget: { name: "image" }, link: 3 }];
      asked.push(questionOf(node, kind));
      node.inputs.push({ name: "source", widget: { name: "source" }, link: 4 });
      const plane = { width: 16, height: 8, values: new Float32Array(128) };
      const from = { told: toldOf(16, 8), planes: { height: plane }, isOfRun: false };
      return [asked, differences({ node, value: () => "luminance" }, kind, { from, plane, size: [16, 8] })];
    """)
    assert "bricks.png" in asked[0] and asked[1] == ""
    assert told == ["linked, so not live: source"]
