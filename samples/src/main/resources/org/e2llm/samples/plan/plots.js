/* The load sweep: mean wait and end-to-end time on a logarithmic scale, goodput on a linear one. */
(function plots() {
  const quick = 0.01; // seconds; a logarithmic scale has no zero
  const plots = [
    {title: "Mean wait", more: "seconds in which a request is not served", log: true, value: point => point.wait.mean},
    {title: "Mean end to end", more: "seconds from arrival to last token", log: true, value: point => point.e2e.mean},
    {title: "Goodput", more: "share of requests inside the SLO", log: false, value: point => point.goodput}
  ];
  const hidden = new Set();
  let marked = null;

  byId("sweep-note").textContent =
    "Load 1 is " + figure(data.lambda1) + " requests/s, the highest saturated throughput among all strategies. Each plan stays as it was made for load " +
    data.load + " (dotted). SLO: first token within " + seconds(data.slo.ttft) + ", then " + seconds(data.slo.tpot) + " per token (unless asked for otherwise, 4 times and twice what the best plan gives the mean request on the idle fleet). These plans cannot exceed the dashed line.";

  function scale(plot, top, bottom) {
    if (!plot.log) return {ticks: [0, .25, .5, .75, 1], text: percent, y: value => bottom - value * (bottom - top)};
    const values = data.strategies.flatMap(strategy => strategy.sweep.map(plot.value)).filter(value => value !== null)
      .map(value => Math.max(value, quick));
    const low = Math.floor(Math.log10(Math.min(...values))), high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))));
    const ticks = [];
    for (let power = low; power <= high; power++) ticks.push(10 ** power);
    const text = value => (value === quick ? "≤ " : "") + (value >= 1000 ? value.toLocaleString("en") : String(+value.toPrecision(1)));
    return {ticks, text, y: value => bottom - (Math.log10(Math.max(value, quick)) - low) / (high - low) * (bottom - top)};
  }

  function draw(plot) {
    const width = plot.canvas.clientWidth, height = plot.canvas.clientHeight;
    const left = 44, right = width - 10, top = 8, bottom = height - 34;
    const loads = data.strategies[0].sweep.map(point => point.load);
    const lowest = Math.min(...loads), highest = Math.max(...loads);
    const x = load => left + (highest > lowest ? (load - lowest) / (highest - lowest) : .5) * (right - left);
    const {ticks, text, y} = scale(plot, top, bottom);
    const parts = ticks.flatMap(tick => [
      svg("line", {class: "grid", x1: left, x2: right, y1: y(tick), y2: y(tick)}),
      svg("text", {x: left - 8, y: y(tick) + 4, "text-anchor": "end"}, text(tick))]);
    const labelled = [];
    for (const load of [data.load, lowest, highest, ...loads]) {
      if (labelled.some(other => Math.abs(x(load) - x(other)) < 28)) continue;
      labelled.push(load);
      parts.push(svg("text", {x: x(load), y: bottom + 17, "text-anchor": "middle"}, String(load)));
    }
    parts.push(svg("text", {x: (left + right) / 2, y: bottom + 32, "text-anchor": "middle"}, "load"));
    parts.push(svg("line", {class: "asked", x1: x(data.load), x2: x(data.load), y1: top, y2: bottom}));
    if (!plot.log) {
      const bound = loads.map((load, i) => (i ? "L" : "M") + x(load) + " " + y(data.goodputBounds[i])).join("");
      parts.push(svg("path", {class: "bound", d: bound, fill: "none"}));
    }
    // The first strategy is drawn last, on top of the others.
    for (const strategy of [...data.strategies].reverse()) {
      if (hidden.has(strategy)) continue;
      const points = strategy.sweep.filter(point => plot.value(point) !== null);
      const line = points.map((point, i) => (i ? "L" : "M") + x(point.load).toFixed(1) + " " + y(plot.value(point)).toFixed(1)).join("");
      const bold = strategy === marked || (marked === null && strategy === data.strategies[0]);
      parts.push(svg("path", {
        d: line, fill: "none", stroke: colour(strategy), "stroke-width": bold ? 3 : 1.7, "stroke-dasharray": dash(strategy) || "none",
        "stroke-linejoin": "round", "stroke-linecap": dash(strategy) ? "butt" : "round", class: marked && strategy !== marked ? "dim" : ""
      }));
    }
    plot.canvas.setAttribute("viewBox", "0 0 " + width + " " + height);
    plot.canvas.replaceChildren(...parts);
    plot.at = position => loads.reduce((best, load) => Math.abs(x(load) - position) < Math.abs(x(best) - position) ? load : best);
    plot.x = x;
  }

  function tell(plot, event) {
    const box = plot.canvas.getBoundingClientRect();
    const load = plot.at(event.clientX - box.left);
    const rows = data.strategies.filter(strategy => !hidden.has(strategy))
      .map(strategy => ({strategy, value: plot.value(strategy.sweep.find(point => point.load === load))}))
      .sort((a, b) => (a.value - b.value) * (plot.log ? 1 : -1)).slice(0, 8);
    plot.tip.replaceChildren(el("b", {}, "load " + load), ...rows.map(({strategy, value}) => el("div", {},
      el("span", {}, el("i", {style: "background:" + colour(strategy)}), strategy.name),
      el("span", {}, plot.log ? seconds(value) : percent(value)))));
    plot.tip.hidden = false;
    const card = plot.card.getBoundingClientRect();
    const centre = plot.x(load) + box.left - card.left;
    const room = card.width - plot.tip.offsetWidth;
    const place = centre + plot.tip.offsetWidth + 24 < card.width ? centre + 12 : centre - plot.tip.offsetWidth - 12;
    plot.tip.style.left = Math.max(0, Math.min(room, place)) + "px";
    plot.tip.style.top = box.top - card.top + 6 + "px";
  }

  const drawAll = () => plots.forEach(draw);

  byId("legend").append(...data.strategies.map(strategy => el("button", {
    type: "button", "aria-pressed": "true",
    onclick: event => {
      if (hidden.has(strategy)) hidden.delete(strategy); else hidden.add(strategy);
      event.currentTarget.setAttribute("aria-pressed", String(!hidden.has(strategy)));
      drawAll();
    },
    onmouseenter: () => { marked = hidden.has(strategy) ? null : strategy; drawAll(); },
    onmouseleave: () => { marked = null; drawAll(); }
  }, svg("svg", {width: 26, height: 8}, svg("line", {
    x1: 1, x2: 25, y1: 4, y2: 4, stroke: colour(strategy), "stroke-width": 2.4, "stroke-dasharray": dash(strategy) || "none"
  })), strategy.name)));

  for (const plot of plots) {
    plot.canvas = svg("svg", {role: "img", "aria-label": plot.title + " over load"});
    plot.tip = el("div", {class: "tip", hidden: ""});
    plot.card = el("figure", {class: "plot", style: "margin:0"}, el("h3", {}, plot.title, el("small", {}, plot.more)), plot.canvas, plot.tip);
    plot.canvas.addEventListener("pointermove", event => tell(plot, event));
    plot.canvas.addEventListener("pointerdown", event => tell(plot, event));
    plot.canvas.addEventListener("pointerleave", () => { plot.tip.hidden = true; });
    byId("plots").append(plot.card);
  }
  new ResizeObserver(drawAll).observe(byId("plots"));
})();
