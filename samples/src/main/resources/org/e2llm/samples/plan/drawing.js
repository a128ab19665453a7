/* The plan drawn: lanes of replicas by role, stages in each, wires for the KV cache between them. */
(function drawing() {
  const devices = new Map(data.devices.map(device => [device.id, device]));
  const nouns = {PREFILL: "prompts/s", DECODE: "answers/s", MIXED: "requests/s"};
  const about = {
    PREFILL: "reads prompts", DECODE: "generates", MIXED: "reads prompts and generates"
  };
  let shown = data.strategies[0];
  let lanes = [];

  /** Which lane a replica is in. */
  const side = r => lanes.findIndex(roles => roles.includes(shown.plan.replicas[r].role));

  function stage(strategy, r, s) {
    const placed = strategy.plan.replicas[r].stages[s];
    const device = devices.get(placed.device);
    const [from, to] = placed.layers;
    const all = data.shape.layers;
    const weights = strategy.chains[r].weightBytes[s];
    return el("div", {class: "stage"},
      el("div", {class: "row"},
        el("span", {}, el("b", {}, device.name), el("span", {class: "id"}, device.id)),
        el("span", {}, "layers " + from + "–" + (to - 1))),
      el("div", {class: "bar", role: "img", "aria-label": "layers " + from + " to " + (to - 1) + " of " + all},
        el("i", {style: "left:" + 100 * from / all + "%;width:" + 100 * (to - from) / all + "%"})),
      el("div", {class: "small"},
        el("span", {}, to - from === all ? "the whole model" : (to - from) + " of " + all + " layers"),
        el("span", {}, gigabytes(weights) + " of weights in " + gigabytes(device.memoryBytes))));
  }

  function hop(link) {
    return el("div", {class: "hop"},
      svg("svg", {width: 10, height: 18, viewBox: "0 0 10 18"},
        svg("path", {d: "M5 0V14M1.5 10.5L5 15L8.5 10.5", fill: "none", stroke: "currentColor", "stroke-width": 1.4})),
      speed(link) + ", " + figure(1000 * link.latencySeconds) + " ms, " + medium(link));
  }

  function replica(strategy, r) {
    const planned = strategy.plan.replicas[r];
    const expected = planned.expected;
    const card = el("article", {class: "replica " + planned.role, id: "replica-" + r},
      el("header", {},
        el("b", {}, "Replica " + (r + 1)),
        el("span", {}, "TTFT " + seconds(expected.ttftSeconds) + " · TPOT " + seconds(expected.tpotSeconds) + " · " +
          figure(expected.requestsPerSecond) + " " + nouns[planned.role])));
    planned.stages.forEach((ignored, s) => {
      if (s > 0) card.append(hop(strategy.chains[r].hops[s - 1]));
      card.append(stage(strategy, r, s));
    });
    return card;
  }

  /** Replicas of some roles below each other, or beside each other where there is nothing to connect. */
  function lane(strategy, roles, wide) {
    return el("div", {class: "lane" + (wide ? " wide" : "")}, ...roles.flatMap(role => [
      el("h3", {class: role}, el("span", {class: "role"}, role), el("small", {}, about[role])),
      ...strategy.plan.replicas.map((planned, r) => planned.role === role ? replica(strategy, r) : null)
        .filter(card => card !== null)]));
  }

  function idle(strategy) {
    const left = strategy.plan.placements.filter(placement => !placement.placed);
    byId("idle").replaceChildren(...(left.length === 0 ? [] : [el("div", {class: "idle"},
      el("h3", {}, left.length === 1 ? "One device has no layers" : left.length + " devices have no layers"),
      el("ul", {}, ...left.map(placement => el("li", {},
        el("b", {}, devices.get(placement.device).name + " (" + placement.device + ")"), " " + placement.reason))))]));
  }

  function reasons(strategy) {
    byId("reasons-table").replaceChildren(el("table", {},
      el("thead", {}, el("tr", {}, el("th", {}, "device"), el("th", {class: "text"}, "why"))),
      el("tbody", {}, ...strategy.plan.placements.map(placement => el("tr", {},
        el("th", {scope: "row"}, placement.device), el("td", {class: "text why"}, placement.reason))))));
  }

  /** Curves from the left lane to the right one. */
  function wires() {
    const layer = byId("wires");
    layer.replaceChildren();
    const links = shown.handoffs.filter(link => side(link.from) === 0 && side(link.to) === 1);
    if (links.length === 0) return;
    const origin = byId("drawing").getBoundingClientRect();
    const at = r => byId("replica-" + r).getBoundingClientRect();
    const fastest = Math.max(...links.map(link => link.bytesPerSecond));
    const left = at(links[0].from).right - origin.left;
    const right = at(links[0].to).left - origin.left;
    if (right - left < 40) return;
    const used = {from: new Map(), to: new Map()};
    function port(end, r) {
      const box = at(r);
      const count = links.filter(link => link[end] === r).length;
      const next = used[end].get(r) || 0;
      used[end].set(r, next + 1);
      const spread = Math.min(14, (box.height - 24) / count);
      return box.top - origin.top + box.height / 2 + (next - (count - 1) / 2) * spread;
    }
    for (const link of links) {
      const y1 = port("from", link.from), y2 = port("to", link.to), middle = (left + right) / 2;
      layer.append(
        svg("path", {
          d: "M" + left + " " + y1 + "C" + middle + " " + y1 + " " + middle + " " + y2 + " " + (right - 7) + " " + y2,
          fill: "none", stroke: "var(--faint)", "stroke-width": link.bytesPerSecond < fastest ? 1 : 1.8,
          "stroke-dasharray": link.medium ? "4 4" : "none"
        }, svg("title", {}, speed(link) + ", " + medium(link))),
        svg("path", {d: "M" + (right - 7) + " " + (y2 - 3.5) + "L" + (right - 1) + " " + y2 + "L" + (right - 7) + " " + (y2 + 3.5) + "Z", fill: "var(--faint)"}));
    }
  }

  function handoffNote(strategy) {
    if (strategy.handoffs.length === 0) return "";
    const speeds = [...new Set(strategy.handoffs.map(link => speed(link) + " (" + medium(link) + ")"))];
    return " The KV cache of a mean prompt, " + figure(strategy.meanKvBytes / 1e6) + " MB, moves where it decodes over " +
      speeds.join(" or ") + (strategy.handoffs.some(link => link.medium) ? "; dashed where the medium is shared." : ".");
  }

  function show(strategy) {
    shown = strategy;
    const roles = ["PREFILL", "MIXED", "DECODE"].filter(role => strategy.plan.replicas.some(planned => planned.role === role));
    lanes = roles.length === 1 ? [roles] : [[roles[0]], roles.slice(1).reverse()];
    byId("lanes").className = "lanes" + (lanes.length === 2 ? " two" : "");
    byId("lanes").replaceChildren(...lanes.map(each => lane(strategy, each, lanes.length === 1)));
    byId("plan-policy").textContent = "Served with " + strategy.policy + "." + handoffNote(strategy);
    idle(strategy);
    reasons(strategy);
    wires();
  }

  picker(byId("plan-picker"), data.strategies.map(strategy => strategy.name), i => show(data.strategies[i]));
  new ResizeObserver(wires).observe(byId("drawing"));
})();
