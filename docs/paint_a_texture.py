"""Paint a texture without the editor: `python docs/paint_a_texture.py "grey cobblestone"`, with ComfyUI running."""

import json
import sys
import time
from urllib.request import Request, urlopen

url = sys.argv[2] if len(sys.argv) > 2 else "http://127.0.0.1:8188"
with open("workflows/api/seamless_texture.json", encoding="utf-8") as file:
    graph = json.load(file)
inputs = {node["_meta"]["title"]: node["inputs"] for node in graph.values()}
inputs["Prompt"]["text"] = sys.argv[1]
order = Request(f"{url}/prompt", json.dumps({"prompt": graph}).encode(), {"Content-Type": "application/json"})
job = json.load(urlopen(order))["prompt_id"]
while not (done := json.load(urlopen(f"{url}/history/{job}"))):
    time.sleep(1)
for output in done[job]["outputs"].values():
    sys.stdout.writelines(f"{picture['subfolder']}/{picture['filename']}\n" for picture in output.get("images", []))
sys.exit(done[job]["status"]["status_str"] != "success")
