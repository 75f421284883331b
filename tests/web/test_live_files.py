"""What live maps do when their file changes, goes or comes back, among stand-ins for the editor and its server."""


def test_files_that_were_gone_are_shown_once_a_run_has_made_them_again(play):
    play("""
      const view = mount(nodeOf("TilewrightOcclusion", "height"));
      isGone = true;
      view.output({ [OUTPUT]: [toldOf(16, 8)] });
      await saying(view, "The files of the last run are gone.");
      isGone = false;
      view.output({ [OUTPUT]: [toldOf(16, 8)] });  // the same names, of the same pixels
      await until(view.drawn);
      await saying(view, "of the last run's input");
    """)


def test_a_file_that_is_written_anew_or_taken_away_is_noticed(play):
    asked = play("""
      const asked = [];
      globalThis.stamp = "1";
      const before = globalThis.serve;
      globalThis.serve = async (path) => {
        if (!path.startsWith("/tilewright/height")) return before(path);
        const known = new URLSearchParams(path.split("?")[1]).get("stamp");
        asked.push(known);
        if (stamp === "gone") return new Response(JSON.stringify({ error: "There is no such file." }), { status: 400 });
        return new Response(JSON.stringify(known === stamp ? { same: true } : { ...toldOf(...size), stamp }));
      };
      endings.push(() => (globalThis.serve = before));
      const { setInterval } = globalThis;
      const looks = [];
      globalThis.setInterval = (look) => void looks.push(look);
      const view = mount(nodeOf("TilewrightOcclusion", "height", nodeOf("LoadImage")));
      globalThis.setInterval = setInterval;
      const lookUntil = (holds) => until(() => (looks.forEach((look) => look()), holds()));
      await saying(view, "Live: as the node will make it");
      await new Promise((done) => setTimeout(done, 300));  // what it says has its room now
      const drawn = view.drawn();
      await lookUntil(() => asked.length === 6);  // the next is asked once the last was answered
      const [first, again] = [asked.slice(0, 6), view.drawn() - drawn];
      [globalThis.stamp, globalThis.size] = ["2", [24, 8]];
      await lookUntil(() => view.root.textContent.includes("24 × 8 px"));
      globalThis.stamp = "gone";
      await lookUntil(() => view.says().includes("There is no such file."));
      globalThis.stamp = "3";
      await lookUntil(() => view.says().includes("Live: as the node will make it"));
      return [first, again];
    """)
    assert asked == [[None, "1", "1", "1", "1", "1"], 0]


_LOOKING = """
  const { Loaded } = await import("/web/live/loaded.js");
  const [loader, asked, plain] = [nodeOf("LoadImage"), [], globalThis.serve];
  globalThis.serve = (path) => {
    if (!path.startsWith("/tilewright/height")) return plain(path);
    asked.push(path);
    return heightOf();
  };
  endings.push(() => (globalThis.serve = plain));
  const view = { node: nodeOf("TilewrightOcclusion", "height", loader), signal: new AbortController().signal };
  const loaded = new Loaded(view, { input: "height" }, { found() {}, none() {}, lost() {} });
  const { setInterval } = globalThis;
  let look;
  globalThis.setInterval = (looking) => (look = looking);
  loaded.keepLooking(() => true);
  globalThis.setInterval = setInterval;
"""


def test_a_file_that_stays_away_is_asked_for_ever_less_often_down_to_once_a_minute(play):
    looks = play(f"""
      const said = JSON.stringify({{ error: "There is no such file." }});
      const heightOf = async () => new Response(said, {{ status: 400 }});
      {_LOOKING}
      const looks = [];
      for (let number = 0; number < 150; number += 1) {{
        const before = asked.length;
        look();
        await until(() => loaded.requests === 0);
        if (asked.length > before) looks.push(number);
      }}
      loader.widgets[0].value = "another.png";
      for (let number = 0; number < 3; number += 1) {{
        look();
        await until(() => loaded.requests === 0);
      }}
      return [looks, asked.filter((path) => path.includes("another.png")).length];
    """)
    assert looks == [[0, 2, 6, 14, 30, 62, 102, 142], 2]


def test_a_late_answer_about_one_file_lets_no_second_question_follow_about_the_next(play):
    asked = play(f"""
      const waiting = [];
      const heightOf = () => new Promise((done) => waiting.push((said) => done(new Response(JSON.stringify(said)))));
      {_LOOKING}
      look();
      waiting[0]({{ ...toldOf(16, 8), stamp: "1" }});
      await until(() => loaded.requests === 0 && loaded.source);
      look();
      look();  // asks whether it is the same
      loader.widgets[0].value = "another.png";
      look();
      waiting[1]({{ same: true }});
      await until(() => loaded.requests === 1);
      for (let number = 0; number < 4; number += 1) look();
      return asked.map((path) => new URLSearchParams(path.split("?")[1]).get("file"));
    """)
    assert asked == ["bricks.png", "bricks.png", "another.png"]
